#include "chaos/cut.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <spdlog/fmt/fmt.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace ride::chaos {
namespace {

constexpr int kPeriodMs = 100;
constexpr const char* kAdvice =
    "cutting a process off needs root, a mounted cgroup v2 hierarchy and a kernel with CONFIG_CGROUP_BPF; use `stop` "
    "instead";

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

// "return 0": no packet passes.
int load_dropper() {
  std::array<bpf_insn, 2> code{};
  code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  code[1].code = BPF_JMP | BPF_EXIT;
  static const char kLicense[] = "GPL";
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_SKB;
  attributes.insn_cnt = code.size();
  attributes.insns = reinterpret_cast<std::uint64_t>(code.data());
  attributes.license = reinterpret_cast<std::uint64_t>(kLicense);
  return bpf(BPF_PROG_LOAD, attributes);
}

bool attach(int command, int group, int program, bpf_attach_type direction) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(group);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program);
  attributes.attach_type = direction;
  return bpf(command, attributes) == 0;
}

}  // namespace

Result<std::unique_ptr<NetworkGate>> NetworkGate::make(const std::string& name) {
  const auto mount = process::unified_hierarchy();
  if (!mount) return Error{ErrorCode::unsupported, fmt::format("no cgroup v2 hierarchy is mounted: {}", kAdvice)};
  auto group = process::ControlGroup::make(*mount, name);
  if (!group.ok()) return Error{group.error().code, fmt::format("{}: {}", group.error().message, kAdvice)};
  process::Descriptor descriptor(::open(group->folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.ok())
    return Error{ErrorCode::permission, fmt::format("cannot make the group {}: {}: {}", group->folder().string(),
                                                    std::strerror(errno), kAdvice)};
  process::Descriptor program(load_dropper());
  if (!program.ok()) {
    const int error = errno;
    return Error{error == EPERM ? ErrorCode::permission : ErrorCode::unsupported,
                 fmt::format("the kernel takes no BPF program ({}): {}", std::strerror(error), kAdvice)};
  }
  return std::unique_ptr<NetworkGate>(new NetworkGate(std::move(*group), std::move(descriptor), std::move(program)));
}

NetworkGate::~NetworkGate() { open(); }

std::vector<std::string> NetworkGate::within(std::vector<std::string> arguments) const {
  // A socket belongs to the group of the process that makes it, at that moment: the program must begin there.
  std::vector<std::string> command = {"/bin/sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", group_.members().string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Result<void> NetworkGate::shut() {
  if (shut_) return {};
  shut_ = true;
  if (attach(BPF_PROG_ATTACH, descriptor_.get(), program_.get(), BPF_CGROUP_INET_EGRESS) &&
      attach(BPF_PROG_ATTACH, descriptor_.get(), program_.get(), BPF_CGROUP_INET_INGRESS))
    return {};
  const Error error{ErrorCode::permission, fmt::format("cannot cut off: {}: {}", std::strerror(errno), kAdvice)};
  open();
  return error;
}

void NetworkGate::open() {
  if (!shut_) return;
  attach(BPF_PROG_DETACH, descriptor_.get(), program_.get(), BPF_CGROUP_INET_EGRESS);
  attach(BPF_PROG_DETACH, descriptor_.get(), program_.get(), BPF_CGROUP_INET_INGRESS);
  shut_ = false;
}

std::unique_ptr<CpuLimit> CpuLimit::start(const std::string& name, const std::vector<pid_t>& pids, int percent) {
  auto limit = std::unique_ptr<CpuLimit>(new CpuLimit(pids, percent));
  if (!limit->set_quota(name)) limit->thread_ = std::thread([one = limit.get()] { one->take_turns(); });
  return limit;
}

bool CpuLimit::set_quota(const std::string& name) {
  const int quota_us = percent_ * kPeriodMs * 10, period_us = kPeriodMs * 1000;
  const auto v1 = process::hierarchy_of("cpu"), v2 = process::unified_hierarchy();
  if (!v1 && !v2) return false;
  if (!v1) process::write_setting(*v2 / "cgroup.subtree_control", "+cpu");
  auto group = process::ControlGroup::make(v1 ? *v1 : *v2, name);
  if (!group.ok()) return false;
  const bool limited = v1 ? group->set("cpu.cfs_period_us", std::to_string(period_us)) &&
                                group->set("cpu.cfs_quota_us", std::to_string(quota_us))
                          : group->set("cpu.max", fmt::format("{} {}", quota_us, period_us));
  if (!limited) return false;
  for (const auto pid : pids_) group->add(pid);
  group_.emplace(std::move(*group));
  return true;
}

void CpuLimit::take_turns() {
  const std::chrono::milliseconds runs(kPeriodMs * percent_ / 100), waits(kPeriodMs - kPeriodMs * percent_ / 100);
  while (!stopping_) {
    for (const auto pid : pids_) ::kill(pid, SIGSTOP);
    std::this_thread::sleep_for(waits);
    for (const auto pid : pids_) ::kill(pid, SIGCONT);
    std::this_thread::sleep_for(runs);
  }
}

CpuLimit::~CpuLimit() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace ride::chaos

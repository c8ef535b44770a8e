#include "chaos/cut.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>

namespace ride::chaos {
namespace fs = std::filesystem;
namespace {

constexpr int kPeriodMs = 100;
constexpr const char* kAdvice =
    "cutting a process off needs root, a mounted cgroup v2 hierarchy and a kernel with CONFIG_CGROUP_BPF; use `stop` "
    "instead";

// Where a hierarchy of control groups is mounted: the unified one, or version 1's of a controller.
std::optional<fs::path> mount_of(const std::string& type, const std::string& controller) {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, place, kind, options, rest;
       mounts >> device >> place >> kind >> options && std::getline(mounts, rest);) {
    if (kind != type) continue;
    if (controller.empty() || ("," + options + ",").find("," + controller + ",") != std::string::npos)
      return fs::path(place);
  }
  return std::nullopt;
}

bool write(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return out.good();
}

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
  const auto mount = mount_of("cgroup2", "");
  if (!mount) return Error{ErrorCode::unsupported, fmt::format("no cgroup v2 hierarchy is mounted: {}", kAdvice)};
  const auto group = *mount / name;
  std::error_code failed;
  fs::create_directory(group, failed);
  const int descriptor = failed ? -1 : ::open(group.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return Error{ErrorCode::permission, fmt::format("cannot make the group {}: {}: {}", group.string(),
                                                    failed ? failed.message() : std::strerror(errno), kAdvice)};
  const int program = load_dropper();
  if (program < 0) {
    const int error = errno;
    ::close(descriptor);
    fs::remove(group, failed);
    return Error{error == EPERM ? ErrorCode::permission : ErrorCode::unsupported,
                 fmt::format("the kernel takes no BPF program ({}): {}", std::strerror(error), kAdvice)};
  }
  return std::unique_ptr<NetworkGate>(new NetworkGate(group, descriptor, program));
}

NetworkGate::~NetworkGate() {
  open();
  ::close(program_);
  ::close(descriptor_);
  std::error_code ignored;
  fs::remove(group_, ignored);
}

std::vector<std::string> NetworkGate::within(std::vector<std::string> arguments) const {
  // A socket belongs to the group of the process that makes it, at that moment: the program must begin there.
  std::vector<std::string> command = {"/bin/sh", "-c", "echo $$ > \"$0\" && exec \"$@\"",
                                      (group_ / "cgroup.procs").string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Result<void> NetworkGate::shut() {
  if (shut_) return {};
  shut_ = true;
  if (attach(BPF_PROG_ATTACH, descriptor_, program_, BPF_CGROUP_INET_EGRESS) &&
      attach(BPF_PROG_ATTACH, descriptor_, program_, BPF_CGROUP_INET_INGRESS))
    return {};
  const Error error{ErrorCode::permission, fmt::format("cannot cut off: {}: {}", std::strerror(errno), kAdvice)};
  open();
  return error;
}

void NetworkGate::open() {
  if (!shut_) return;
  attach(BPF_PROG_DETACH, descriptor_, program_, BPF_CGROUP_INET_EGRESS);
  attach(BPF_PROG_DETACH, descriptor_, program_, BPF_CGROUP_INET_INGRESS);
  shut_ = false;
}

std::unique_ptr<CpuLimit> CpuLimit::start(const std::string& name, const std::vector<pid_t>& pids, int percent) {
  auto limit = std::unique_ptr<CpuLimit>(new CpuLimit(pids, percent));
  if (!limit->set_quota(name)) limit->thread_ = std::thread([one = limit.get()] { one->take_turns(); });
  return limit;
}

bool CpuLimit::set_quota(const std::string& name) {
  const int quota_us = percent_ * kPeriodMs * 10;
  std::error_code failed;
  if (const auto v1 = mount_of("cgroup", "cpu")) {
    group_ = *v1 / name;
    parent_ = *v1;
    fs::create_directory(group_, failed);
    if (failed || !write(group_ / "cpu.cfs_period_us", std::to_string(kPeriodMs * 1000)) ||
        !write(group_ / "cpu.cfs_quota_us", std::to_string(quota_us)))
      group_.clear();
  } else if (const auto v2 = mount_of("cgroup2", "")) {
    group_ = *v2 / name;
    parent_ = *v2;
    write(*v2 / "cgroup.subtree_control", "+cpu");
    fs::create_directory(group_, failed);
    if (failed || !write(group_ / "cpu.max", fmt::format("{} {}", quota_us, kPeriodMs * 1000))) group_.clear();
  }
  if (group_.empty()) return false;
  for (const auto pid : pids_) write(group_ / "cgroup.procs", std::to_string(pid));
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
  if (group_.empty()) return;
  // Whoever is still there, also what it has started since.
  std::ifstream members(group_ / "cgroup.procs");
  std::vector<std::string> pids;
  for (std::string pid; members >> pid;) pids.push_back(pid);
  for (const auto& pid : pids) write(parent_ / "cgroup.procs", pid);
  std::error_code ignored;
  fs::remove(group_, ignored);
}

}  // namespace ride::chaos

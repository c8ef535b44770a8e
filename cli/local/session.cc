#include "cli/local/session.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "cli/command.h"
#include "cli/core/fields.h"
#include "cli/core/host_port.h"
#include "cli/core/progress.h"
#include "cli/core/renewal.h"
#include "cli/core/run_summary.h"
#include "cli/core/status_view.h"
#include "cli/core/wait_words.h"
#include "cli/interrupt.h"
#include "cli/kafka_settings.h"
#include "cli/live_screen.h"
#include "cli/local/job_watch.h"
#include "cli/local/kept.h"
#include "cli/local/local_cluster.h"
#include "cli/local/local_inputs.h"
#include "cli/local/picture_files.h"
#include "cli/local/reload.h"
#include "cli/local/resume.h"
#include "cli/local/run_folder.h"
#include "cli/local/topology_facts.h"
#include "cli/local/written_files.h"
#include "cli/python_scripts.h"
#include "cli/shipping.h"
#include "cli/submit.h"
#include "cli/terminal.h"
#include "cli/topology_file.h"
#include "common/newer_file.h"
#include "common/plugin_permit.h"
#include "common/wording.h"
#include "stream/core/artifact.h"
#include "stream/kafka/admin.h"
#include "topology/output_check.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLook{250};
constexpr std::size_t kMostPermitsKept = 50;
constexpr std::chrono::seconds kLineEvery{5}, kDrainPatience{120}, kPausePatience{3}, kCountPatience{2},
    kRenewPatience{60};

class Session {
 public:
  explicit Session(const SessionOptions& options) : options_(options) {}

  ExitCode run() {
    // Ctrl-C no longer ends the process by itself: a pipe that says nothing must not hold it.
    auto checked = checked_topology(options_.file, options_.plugins, interrupt_.token());
    if (interrupt_.requested()) return interrupt_.exit_code();
    if (!checked.file) return checked.failure;
    file_ = std::move(checked.file);
    if (options_.finite)
      if (auto ends = check_finite(file_->topology(), options_.file); !ends.ok()) return fail(ends.error());
    if (auto unset = check_variables(file_->topology()); !unset.ok()) return fail(unset.error());
    if (!may_go_on() && !inputs_are_there()) return ExitCode::usage;
    if (nobody_else_can_join())
      if (auto enough = check_slots(file_->topology(), static_cast<int>(options_.settings.integer("slots")),
                                    options_.settings.at("slots").place);
          !enough.ok())
        return fail(enough.error());
    if (auto http = http_address(options_.settings); !http.ok()) return fail(http.error());
    if (const auto kafka = kafka_config(options_.settings); !kafka.ok()) return fail(kafka.error());
    if (auto prepared = look_for_done(); !prepared.ok()) return fail(prepared.error());
    if (done_ && options_.resume && done_->done > 0 && done_->done == done_->all) return all_done();
    auto folder = RunFolder::open(options_.state);
    if (!folder.ok()) return fail(folder.error());
    folder_.emplace(std::move(*folder));
    const ExitCode code = run_in_folder();
    if (options_.finite && !options_.keep) folder_->remove();
    return code;
  }

 private:
  // Whether a job goes on is known only when its master runs. What it has read before may have been moved away since.
  bool may_go_on() const {
    if (!options_.settings.is_default("brokers")) return !own_prefix();
    std::error_code failed;
    return !options_.fresh && std::filesystem::exists(options_.state / "run.json", failed);
  }

  bool inputs_are_there() {
    inputs_checked_ = true;
    auto missing = missing_inputs(*file_, topology::Severity::error);
    for (const auto& more : {missing_files(*file_), script_problems(*file_)})
      missing.insert(missing.end(), more.begin(), more.end());
    topology::sort_diagnostics(missing);
    if (!missing.empty()) std::fputs(topology::render(missing, file_->text).c_str(), stderr);
    return !topology::has_errors(missing);
  }

  // Of a run that can be resumed, what its workers note down; nothing where it cannot. A run that is not resumed begins
  // with nothing done.
  Result<void> look_for_done() {
    if (!options_.finite) return {};
    const auto& topology = file_->topology();
    RIDE_TRY(check_picture_names(topology));
    auto why = why_not_resumable(topology);
    if (!why && !options_.settings.is_default("prefix"))
      why =
          Error{ErrorCode::invalid_argument,
                "--resume: with --prefix, workers of others may serve this run, and note nothing down. Leave one out"};
    if (why) return options_.resume ? Result<void>(*why) : Result<void>();
    RIDE_ASSIGN(recipe_, recipe_of(topology));
    done_.emplace();
    if (!options_.resume) return {};
    RIDE_ASSIGN(*done_, find_done(topology, recipe_, options_.any_recipe));
    if (done_->otherwise > 0)
      say(fmt::format("{} written by another version of {}{} and {} done again{}",
                      counted(done_->otherwise, "picture was", "pictures were"), options_.file,
                      options_.any_recipe ? ", elsewhere than this one writes," : "",
                      done_->otherwise == 1 ? "is" : "are",
                      options_.any_recipe ? "" : " (--resume-changed: counts as done)"));
    return {};
  }

  ExitCode all_done() {
    const Json job = {{"job", file_->topology().name()}, {"phase", "completed"}};
    const RunFacts facts{.done_before = done_->done};
    if (options_.json) {
      print(summary_to_json(job, facts, judge(job, facts, false)).dump(2) + "\n");
    } else {
      print(fmt::format("all {} are done already\n", counted(done_->all, "picture")));
    }
    return ExitCode::ok;
  }

  // What the workers and producers of this run are told; empty values hide what our own environment may hold.
  Result<std::vector<std::string>> environment_of_run() const {
    const auto lists = folder_->path() / "done";
    std::vector<std::string> environment = {fmt::format("{}={}", kRecipeVariable, recipe_),
                                            fmt::format("{}={}", kDoneVariable, done_ ? lists.string() : "")};
    if (!done_) return environment;
    RIDE_TRY(start_logs(file_->topology(), recipe_, *done_));
    RIDE_TRY(write_done_lists(lists, *done_));
    return environment;
  }

  void say(const std::string& line) {
    if (screen_ && stdout_terminal().tty) {
      screen_->say(line);
    } else if (options_.json || options_.finite) {
      std::fputs((line + "\n").c_str(), stderr);  // standard output is for the summary
    } else {
      print(line + "\n");
    }
  }

  std::vector<std::string> permits_of_file() const {
    std::vector<std::string> words;
    for (const auto& plugin : file_->named) words.push_back(permit_word(plugin.sha256));
    return words;
  }

  // Until --fresh: a run that was broken off while it drained has the plug-ins that it began with.
  std::vector<std::string> permits_to_keep() const {
    auto words = permits_of_file();
    for (const auto& word : last_.permits)
      if (words.size() < kMostPermitsKept && std::find(words.begin(), words.end(), word) == words.end())
        words.push_back(word);
    return words;
  }

  // What the user's own file names, what a run that goes on may still need, and what was asked for.
  std::vector<std::string> permits() const {
    auto words = options_.permits;
    for (const auto& word : words)
      if (word == "any" || word == "none") return words;
    for (const auto& more : {permits_of_file(), last_.permits}) words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  ExitCode run_in_folder() {
    if (auto usable = check_http(options_.settings, options_.finite); !usable.ok()) return fail(usable.error());
    if (options_.fresh) {
      if (auto wiped = folder_->wipe(); !wiped.ok()) return fail(wiped.error());
      if (!options_.settings.is_default("brokers"))
        say("--fresh wipes the state folder only: topics on your cluster stay (ride cancel JOB --delete-topics)");
    }
    if (auto last = folder_->last()) last_ = *last;
    outputs_ = topology::sink_folders(file_->topology(), tasks::builtin_catalog());
    outputs_.insert(outputs_.end(), last_.outputs.begin(), last_.outputs.end());
    auto environment = environment_of_run();
    if (!environment.ok()) return fail(environment.error());
    auto plugins = file_->plugins;
    if (auto prepared = prepare_reload(plugins, *environment); !prepared.ok()) return fail(prepared.error());
    const Need need = need_of(file_->topology(), static_cast<int>(options_.settings.integer("slots")));
    LocalOptions local{.settings = &options_.settings,
                       .broker_data = folder_->broker_data(),
                       .logs = folder_->logs(),
                       .slots = need.slots,
                       .producers = need.producers,
                       .prefix = prefix(),
                       .output_folders = outputs_,
                       .plugins = std::move(plugins),
                       .permits = permits(),
                       .environment = std::move(*environment),
                       .any_ports = options_.finite,
                       .short_lived = options_.finite};
    const auto line = [this](const std::string& text) { say(text); };
    // A job that goes on writes as soon as there are workers.
    started_files_ = std::filesystem::file_time_type::clock::now();
    files_before_ = files_of_sinks(file_->topology());
    if (auto started = cluster_.start(local, interrupt_.token(), line); !started.ok()) {
      if (own_prefix() && started.error().code != ErrorCode::unavailable) remove_topics();
      if (interrupt_.requested()) return say("stopped"), interrupt_.exit_code();
      return fail(started.error());
    }
    ExitCode code = ExitCode::failed;
    if (auto begun = begin_job(); begun.ok()) {
      code = watch();
      if (ran_.count() == 0) ran_ = Clock::now() - started_;
    } else {
      code = interrupt_.requested() ? interrupt_.exit_code() : fail(begun.error());
    }
    screen_.reset();
    cluster_.stop(interrupt_.hurry(), line);
    if (own_prefix()) remove_topics();
    if (watch_ && !text_of(watch_->job(), "job").empty()) code = summarise(code);
    return code;
  }

  // On a cluster of the user's, a `ride run` keeps out of the way of whatever runs there, and takes its topics with it.
  bool own_prefix() const {
    return options_.finite && !options_.settings.is_default("brokers") && options_.settings.is_default("prefix");
  }
  std::string prefix() const {
    if (!own_prefix()) return options_.settings.text("prefix");
    std::string name = folder_->path().filename().string();  // "ride-run-XXXXXX", made for this run
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
  }
  void remove_topics() {
    const auto config = kafka_config(options_.settings);
    if (options_.keep || !config.ok()) return;
    const auto admin = kafka::open_admin(*config, std::chrono::seconds(5));
    if (!admin.ok()) return print_error("the topics of this run stay on the cluster: " + admin.error().message);
    const auto topics = (*admin)->topics();
    if (!topics.ok()) return print_error("the topics of this run stay on the cluster: " + topics.error().message);
    for (const auto& topic : *topics) {
      if (!topic.name.starts_with(prefix() + ".")) continue;
      if (const auto removed = (*admin)->remove(topic.name); !removed.ok()) print_error(removed.error().message);
    }
  }

  Result<void> save_info(const std::string& paused_job) {
    std::error_code failed;
    const RunInfo info{.pid = getpid(),
                       .started_at = format_time(system_now()),
                       .topology = std::filesystem::absolute(options_.file, failed).string(),
                       .job = file_->topology().name(),
                       .master = cluster_.master().url(),
                       .brokers = cluster_.brokers(),
                       .token_file = absolute_token_file(options_.settings),
                       .outputs = topology::sink_folders(file_->topology(), tasks::builtin_catalog()),
                       .permits = permits_to_keep(),
                       .paused_job = paused_job,
                       .prefix = prefix()};
    return folder_->save(info);
  }

  // ---- the job's beginning ------------------------------------------------------------------------------------------

  Result<void> begin_job() {
    RIDE_TRY(save_info(""));
    MasterClient& master = cluster_.master();
    watch_.emplace(master, file_->topology().name());
    watch_->skip_events();
    if (options_.finite) watch_->gather_left_out();
    RIDE_ASSIGN(const auto before, master.get("/jobs/" + url_encoded(watch_->name())));
    const std::string phase = before.ok() ? text_of(*before.body, "phase") : "";
    const bool alive = phase == "creating" || phase == "running" || phase == "paused" || phase == "draining";
    if (alive && before.body->value("topology", std::string()) == file_->text) {
      RIDE_ASSIGN(const bool same, has_plugins_of_file());
      if (same) {
        RIDE_TRY(continue_job(*before.body, phase));
        if (reload_)
          if (auto named = named_files(*file_, [this] { return interrupt_.requested(); }); named.ok())
            reload_->go_on(named->files);
        return {};
      }
    }
    if (!inputs_checked_ && !inputs_are_there()) {
      RIDE_TRY(save_info(last_.paused_job));
      return Error{ErrorCode::invalid_argument,
                   fmt::format("job '{}' cannot begin: what it reads or writes is not as it must be", watch_->name())};
    }
    RIDE_ASSIGN(const auto files, ship_files());  // may fail, or take long: the version that runs goes on meanwhile
    if (alive) {
      RIDE_TRY(end_older_version(count_of(*before.body, "run"), phase));
    }
    if (reload_) RIDE_TRY(reload_->begin(named_));
    named_.clear();
    RIDE_TRY(check_placement(files));
    RIDE_ASSIGN(const auto submitted, submit(master, file_->text, options_.file, files));
    say(fmt::format("job '{}': submitted as run {}", submitted.job, submitted.run));
    return {};
  }

  // The text is the same when a plug-in was built anew.
  Result<bool> has_plugins_of_file() {
    RIDE_ASSIGN(const auto used, cluster_.master().fetch("/artifacts"));
    for (const Json& one : list_of(used, "artifacts")) {
      if (text_of(one, "job") != watch_->name() || text_of(one, "param") != stream::kPluginArtifact) continue;
      const auto is_it = [&](const NamedPlugin& plugin) { return plugin.sha256 == text_of(one, "sha256"); };
      if (std::none_of(file_->named.begin(), file_->named.end(), is_it)) return false;
    }
    return true;
  }

  // Through Kafka also here: workers of other machines may join.
  Result<ShippedFiles> ship_files() {
    const auto stopped = [this] { return interrupt_.requested(); };
    RIDE_ASSIGN(auto named, named_files(*file_, stopped));
    if (!named.missing.empty()) {
      std::fputs(topology::render(named.missing, file_->text).c_str(), stderr);
      return Error{ErrorCode::invalid_argument,
                   fmt::format("job '{}' cannot begin: files that it names are not there", watch_->name())};
    }
    if (named.files.empty()) return none_named(cluster_.master(), *file_);
    RIDE_ASSIGN(const auto place, artifact_place(cluster_.master(), options_.settings, cluster_.brokers()));
    RIDE_TRY(ship(
        place, watch_->name(), named.files, [this](const std::string& line) { say(line); }, stopped));
    named_ = std::move(named.files);
    return ShippedFiles(shipped(named_));
  }

  // What lacks now lacks for ever.
  bool nobody_else_can_join() const { return options_.settings.is_default("brokers") || own_prefix(); }

  Result<void> check_placement(const ShippedFiles& files) {
    if (!nobody_else_can_join()) return {};
    RIDE_ASSIGN(const auto plan, dry_run(cluster_.master(), file_->text, options_.file, files));
    const auto lacks = render_lacks(plan);
    if (lacks.empty()) return {};
    return Error{
        ErrorCode::resource_exhausted,
        fmt::format(
            "job '{}' would wait for ever, since this cluster has the workers of this machine alone:\n{}"
            "Ask in the stage's group for what is here (device, cores, memory, labels; of a source: node), start "
            "more workers with --slots, or submit the job to a cluster that has what it needs",
            watch_->name(), lacks)};
  }

  Result<void> continue_job(const Json& job, const std::string& phase) {
    say(fmt::format("job '{}': run {} continues where it stopped ({})", watch_->name(), count_of(job, "run"), phase));
    if (phase != "paused") return {};
    if (last_.paused_job != watch_->name()) {
      say(fmt::format("it was paused on request: 'ride resume {}' resumes it", watch_->name()));
      return {};
    }
    RIDE_ASSIGN(const auto resumed, cluster_.master().post("/jobs/" + url_encoded(watch_->name()) + "/resume"));
    if (!resumed.ok()) return error_of(resumed);
    return {};
  }

  // The file has changed since: what the old version has taken in is finished first.
  Result<void> end_older_version(std::int64_t run, const std::string& phase) {
    say(fmt::format("job '{}': run {} was made from another version of {}; that run is drained first", watch_->name(),
                    run, options_.file));
    // A job that is still being created cannot be drained yet.
    if (phase == "creating") wait_until([this] { return watch_->phase() != "creating"; }, kDrainPatience);
    if (watch_->over()) return {};
    if (interrupt_.requested()) return Error{ErrorCode::cancelled, "stopped"};
    if (phase != "draining") {
      RIDE_ASSIGN(const auto drained, cluster_.master().post("/jobs/" + url_encoded(watch_->name()) + "/drain"));
      if (!drained.ok()) return error_of(drained);
    }
    if (wait_until([this] { return watch_->over(); }, kDrainPatience)) return {};
    if (interrupt_.requested()) return Error{ErrorCode::cancelled, "stopped"};
    return Error{
        ErrorCode::timeout,
        fmt::format("run {} of job '{}' was not drained within {} s. --fresh starts again without what it has taken in",
                    run, watch_->name(), kDrainPatience.count())};
  }

  // ---- new versions of what it runs (decision 0050)
  // ------------------------------------------------------------------

  // Others' machines and their workers know nothing of our files.
  Result<void> prepare_reload(std::vector<std::string>& plugins, std::vector<std::string>& environment) {
    std::error_code failed;
    const auto folder = std::filesystem::absolute(folder_->path() / "reload", failed);
    const bool reloads = options_.reload && options_.settings.is_default("brokers");
    environment.push_back(fmt::format("{}={}", kReloadVariable, reloads ? folder.string() : ""));
    if (!reloads) return {};
    reload_.emplace(*file_, folder);
    RIDE_ASSIGN(plugins, reload_->place_plugins());
    return {};
  }

  // Only the run that was begun here has its files where its workers look for newer ones.
  bool is_the_run_of_reload() {
    const auto run = count_of(watch_->job(), "run");
    if (reloads_run_ == 0) reloads_run_ = run;
    if (run == reloads_run_) return true;
    say(fmt::format("run {} of job '{}' was submitted meanwhile: files that are saved are not brought into it", run,
                    watch_->name()));
    return false;
  }

  void look_for_new_versions() {
    if (reload_ && !is_the_run_of_reload()) reload_.reset();
    if (!reload_) return;
    const auto look = reload_->look(interrupt_.token());
    if (!look.ok()) return;  // we were asked to stop
    for (const auto& text : look->refused) say(text);
    if (look->placed.empty()) return;
    const auto before = members_of(watch_->workers(), watch_->name());
    watch_->expect_missing_workers(true);
    cluster_.renew_workers();
    const bool all = wait_until([&] { return watch_->over() || renewed(watch_->workers(), watch_->name(), before); },
                                kRenewPatience);
    watch_->expect_missing_workers(false);
    for (const auto& text : look->placed)
      say(fmt::format("{} {}", text,
                      all ? "runs since " + format_time(system_now()).substr(11, 8)
                          : "was given to new workers; 'ride status' shows what they wait for"));
  }

  // ---- while it runs ------------------------------------------------------------------------------------------------

  ExitCode watch() {
    started_ = Clock::now();
    if (!options_.json) screen_.emplace();
    auto next_line = started_;
    for (;;) {
      const auto looked = watch_->look();
      for (const auto& news : watch_->take_news()) say(news);
      if (const auto alive = cluster_.check(); !alive.ok()) {
        screen_.reset();
        return fail(alive.error()), ExitCode::failed;
      }
      if (!looked.ok() && !looked.error().retriable) return fail(looked.error());
      show(next_line);
      if (watch_->over()) return settle(), ExitCode::ok;
      look_for_new_versions();
      if (options_.duration && has_run_for(*options_.duration)) return drain();
      if (options_.duration && !running_since_ && Clock::now() - started_ >= *options_.duration + kDrainPatience)
        return fail({ErrorCode::timeout,
                     fmt::format(
                         "job '{}' is still being created after {}. The log of the master ({}) says what it waits for",
                         watch_->name(), format_duration(*options_.duration + kDrainPatience),
                         (folder_->logs() / "master.log").string())}),
               ExitCode::failed;
      if (interrupt_.wait(kLook)) return end_early();
    }
  }

  // From the moment when the job runs: how long its topics take to create is not the user's time.
  bool has_run_for(Clock::duration duration) {
    const auto phase = watch_->phase();
    if (!running_since_ && !phase.empty() && phase != "creating") running_since_ = Clock::now();
    return running_since_ && Clock::now() - *running_since_ >= duration;
  }

  void show(Clock::time_point& next_line) {
    const Terminal terminal = stdout_terminal();
    const auto now = Clock::now();
    if (options_.finite) progress_.see(watch_->job(), now - started_);
    waits_.see(watch_->job(), now - started_);
    const std::string waits = waits_.text();
    if (terminal.tty && screen_) {
      screen_->show(options_.finite
                        ? progress_.render(terminal.width, true) + "\n" + (waits.empty() ? "" : waits + "\n")
                        : table(terminal));
      return;
    }
    if (now < next_line) return;
    next_line = now + (now - started_ < kLineEvery ? std::chrono::seconds(1) : kLineEvery);  // the first ones soon
    say((options_.finite ? progress_.render(0, false)
                         : render_line(watch_->job(), watch_->job(), watch_->job(), watch_->name())) +
        (waits.empty() ? "" : " | " + waits));
  }

  std::string table(const Terminal& terminal) const {
    const ViewOptions view{terminal.style, terminal.width, system_now()};
    std::string text = "\n" + render_job_head(watch_->job(), view);
    for (const auto& part :
         {render_sources(watch_->job(), watch_->name(), view), render_stages(watch_->job(), watch_->name(), view),
          render_workers(watch_->workers(), watch_->name(), view)})
      if (!part.empty()) text += "\n" + part;
    return text + "\n" +
           terminal.style.paint(fmt::format("Ctrl-C ends it; API {}, Kafka {}, logs {}", cluster_url(),
                                            cluster_.brokers(), folder_->logs().string()),
                                Tone::dim) +
           "\n";
  }
  std::string cluster_url() const { return const_cast<LocalCluster&>(cluster_).master().url(); }

  // ---- its end ------------------------------------------------------------------------------------------------------

  template <class Condition>
  bool wait_until(const Condition& met, std::chrono::seconds patience) {
    const auto deadline = Clock::now() + patience;
    const bool asked_before = interrupt_.requested();
    auto next_line = Clock::now();
    while (Clock::now() < deadline) {
      if (const auto looked = watch_->look(); looked.ok() && met()) return true;
      for (const auto& news : watch_->take_news()) say(news);
      if (!cluster_.check().ok() || interrupt_.hurry().stop_requested()) return false;
      if (!asked_before && interrupt_.requested()) return false;
      if (screen_) show(next_line);
      std::this_thread::sleep_for(milliseconds(100));
    }
    return false;
  }

  ExitCode drain() {
    say(fmt::format("{} have passed: the sources stop, frames on their way are finished",
                    format_duration(*options_.duration)));
    ran_ = Clock::now() - started_;
    const auto drained = cluster_.master().post("/jobs/" + url_encoded(watch_->name()) + "/drain");
    if (!drained.ok()) return fail(drained.error());
    if (!drained->ok()) return fail(error_of(*drained));
    if (wait_until([this] { return watch_->over(); }, kDrainPatience)) return settle(), ExitCode::ok;
    if (interrupt_.requested()) return end_early();
    const auto alive = cluster_.check();
    return fail(alive.ok() ? Error{ErrorCode::internal,
                                   fmt::format("the job was not drained within {} s", kDrainPatience.count())}
                           : alive.error()),
           ExitCode::failed;
  }

  ExitCode end_early() {
    say("stopping: first the sources, then workers, agent, master and broker");
    ran_ = Clock::now() - started_;
    on_purpose_ = true;
    const auto paused = cluster_.master().post("/jobs/" + url_encoded(watch_->name()) + "/pause");
    if (paused.ok() && paused->ok()) {
      // The last counts come with the heartbeats that report the sources as closed.
      wait_until([this] { return watch_->phase() == "paused" && !any_source_connected(); }, kPausePatience);
      if (auto saved = save_info(watch_->name()); !saved.ok()) print_error(saved.error().message);
    }
    return interrupt_.exit_code();
  }

  void settle() {
    if (watch_->phase() == "completed") wait_until([this] { return all_have_ended(watch_->job()); }, kCountPatience);
  }

  bool any_source_connected() const {
    for (const Json& source : list_of(watch_->job(), "sources"))
      if (flag_of(source, "connected")) return true;
    return false;
  }

  ExitCode summarise(ExitCode code) {
    for (const auto& news : watch_->take_news()) say(news);  // of the last look
    const auto& topology = file_->topology();
    RunFacts facts{.seconds = Progress::Seconds(ran_).count(),
                   .may_drop = may_drop(topology),
                   .upstreams = upstreams_of(topology),
                   .files = find_written_files(topology, started_files_, files_before_),
                   .left_out = watch_->left_out(),
                   .problems = watch_->problems(),
                   .problems_were_shown = true,
                   .log_folder = options_.finite && !options_.keep ? "" : folder_->logs().string()};
    if (options_.resume && done_) {
      facts.done_before = done_->done;
      // What is on the disk by now, and not what was sent: a run may have been broken off between the two.
      const auto now = find_done(topology, recipe_, false);
      if (now.ok())
        facts.done_now = std::max<std::int64_t>(0, now->done - done_->done);
      else
        say("how many pictures are done now is not known: " + now.error().message);
    }
    const RunVerdict verdict = judge(watch_->job(), facts, on_purpose_);
    if (options_.json) {
      print(summary_to_json(watch_->job(), facts, verdict).dump(2) + "\n");
    } else {
      print(render_summary(watch_->job(), facts, verdict, stdout_terminal().style));
      if (!facts.log_folder.empty()) print(fmt::format("logs: {}\n", facts.log_folder));
      if (!options_.finite && options_.settings.is_default("brokers"))
        print(fmt::format("ask after the job later: {}\n", open_command(options_.state.string(), prefix())));
    }
    return code == ExitCode::ok && !verdict.good ? ExitCode::failed : code;
  }

  const SessionOptions& options_;
  Interrupt interrupt_;  // before anything that starts threads
  std::optional<TopologyFile> file_;
  std::optional<RunFolder> folder_;
  RunInfo last_;
  std::vector<std::string> outputs_;
  LocalCluster cluster_;
  std::optional<JobWatch> watch_;
  std::optional<LiveScreen> screen_;
  Progress progress_;
  WaitWords waits_;
  Clock::time_point started_{};
  std::optional<Clock::time_point> running_since_;
  Clock::duration ran_{};
  std::filesystem::file_time_type started_files_{};
  SinkPaths files_before_;
  std::string recipe_;  // empty: this run can not be resumed
  std::optional<DonePictures> done_;
  std::optional<Reload> reload_;  // ride up on a broker of its own
  std::int64_t reloads_run_ = 0;
  std::vector<NamedFile> named_;  // shipped, until the run begins
  bool on_purpose_ = false, inputs_checked_ = false;
};

}  // namespace

ExitCode run_session(const SessionOptions& options) { return Session(options).run(); }

}  // namespace ride::cli

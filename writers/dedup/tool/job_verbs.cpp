// Jobs, and what can be said to the one under way.
#include <chrono>
#include <cstdint>
#include <thread>

#include "writers/dedup/tool/limit_options.hpp"
#include "writers/dedup/tool/verbs.hpp"
#include "writers/dedup/tool/volume_target.hpp"

namespace stillframe::dedup::tool {

namespace {

struct JobWords {
  const char* verb;
  const char* summary;
  const char* examples;
  const char* full_option;  // nullptr: it has none
  const char* full_help;
};

constexpr JobWords kOptimize{
    "optimize", "Move files that the policy wants into the store",
    "  dedupctl optimize /srv/data\n"
    "  dedupctl optimize --background /srv/data && dedupctl job /srv/data\n"
    "  dedupctl optimize --io-rate 20M --cpu-percent 25 /srv/data",
    nullptr, nullptr};
constexpr JobWords kUnoptimize{"unoptimize", "Make every deduplicated file an ordinary one again",
                               "  dedupctl unoptimize /srv/data && dedupctl gc --full /srv/data",
                               nullptr, nullptr};
constexpr JobWords kCollect{"gc", "Remove from the store what no file needs any more",
                            "  dedupctl gc /srv/data\n"
                            "  dedupctl gc --full --json /srv/data | jq .freed_bytes",
                            "--full", "Rewrite a container when a single chunk of it is dead"};
constexpr JobWords kScrub{"scrub",
                          "Look for damage in the store, and name the files that lost something",
                          "  dedupctl scrub /srv/data\n"
                          "  dedupctl scrub --deep --json /srv/data | jq .damaged",
                          "--deep", "Compare every byte with its fingerprint"};

// One that went through may have left files out, or found damage.
Exit exit_of_job(const Json& outcome) {
  const int result = outcome.value("result", 0);
  if (result != 0) return stillframe::tool::exit_for(errc_from_number(result));
  const auto of = [&](const char* name) { return outcome.value(name, std::uint64_t{0}); };
  if (of("damaged_files") + of("damaged_containers") > 0) return Exit::damaged;
  return of("failed") > 0 ? Exit::partial : Exit::ok;
}

constexpr std::chrono::seconds kAskAgainAfter{1};

// By what the step counts.
void show_progress(Output& output, const char* verb, const Json& progress) {
  const auto of = [&](const char* name) { return progress.value(name, std::uint64_t{0}); };
  const std::string step = progress.value("step", "");
  const std::string what = step.empty() ? verb : std::string(verb) + ": " + step;
  if (of("total_bytes") > 0) return output.progress(what, of("done_bytes"), of("total_bytes"));
  output.progress(what, of("done_items"), of("total_items"));
}

class JobStartVerb final : public Verb {
 public:
  explicit JobStartVerb(const JobWords& words) : words_(words) {}

  const char* name() const override { return words_.verb; }
  const char* summary() const override { return words_.summary; }
  const char* examples() const override { return words_.examples; }
  void describe(CLI::App& command) override {
    describe_volume(command, volume_);
    command.add_flag("--background", background_,
                     "Leave it to the process that has the volume mounted");
    command
        .add_option("--wait", wait_minutes_, "Minutes to wait for another job of the volume to end")
        ->check(CLI::Range(0, 7 * 24 * 60));
    limits_.describe(command);
    if (words_.full_option != nullptr) {
      command.add_flag(words_.full_option, full_, words_.full_help);
    }
  }

  Result<Exit> run(Output& output) override {
    if (background_) {
      const auto target = VolumeTarget::find(volume_);
      if (!target.ok()) return target.error();
      if (target.value().place.empty() || !target.value().connect().ok()) {
        return Error(Errc::wrong_state,
                     "the volume is not mounted, so nobody could go on with the job: mount it");
      }
    }
    auto outcome = ask(output);
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(wait_minutes_);
    while (is_in_the_way(outcome) && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kAskAgainAfter);
      outcome = ask(output);
    }
    output.progress_done();
    if (!outcome.ok()) return outcome.error();
    output.show(outcome.value());
    return background_ ? Exit::ok : exit_of_job(outcome.value());
  }

 private:
  Result<Json> ask(Output& output) const {
    const Json question{{"do", words_.verb},
                        {"full", full_},
                        {"background", background_},
                        {"limits", limits_.json()}};
    return ask_volume(volume_, question,
                      [&](const Json& progress) { show_progress(output, words_.verb, progress); });
  }

  // Another job, or somebody who has the volume open for one.
  static bool is_in_the_way(const Result<Json>& outcome) {
    const int code = outcome.ok() ? outcome.value().value("result", 0)
                                  : static_cast<int>(outcome.error().code());
    return code == static_cast<int>(Errc::in_progress);
  }

  const JobWords& words_;
  std::string volume_;
  bool background_ = false, full_ = false;
  int wait_minutes_ = 0;
  LimitOptions limits_;
};

class JobVerb final : public Verb {
 public:
  const char* name() const override { return "job"; }
  const char* summary() const override {
    return "Show the job under way, or make it wait, go on or end";
  }
  const char* examples() const override {
    return "  dedupctl job /srv/data\n"
           "  dedupctl job --pause /srv/data\n"
           "  dedupctl job --resume /srv/data\n"
           "  dedupctl job --cancel /srv/data";
  }
  void describe(CLI::App& command) override {
    describe_volume(command, volume_);
    auto* one = command.add_option_group("what", "At most one of these");
    one->add_flag("--pause", pause_, "It waits between two files or containers");
    one->add_flag("--resume", resume_, "It goes on");
    one->add_flag("--cancel", cancel_, "It ends; what it has done stays");
    one->require_option(0, 1);
  }

  Result<Exit> run(Output& output) override {
    const char* what = pause_ ? "pause" : resume_ ? "resume" : cancel_ ? "cancel" : "job";
    const auto target = VolumeTarget::find(volume_);
    if (!target.ok()) return target.error();
    auto client = target.value().connect();
    if (!client.ok() && client.error().code() == Errc::disconnected) {
      return Error(Errc::wrong_state,
                   "the volume is not mounted: a job on it belongs to whoever started it");
    }
    if (!client.ok()) return client.error();
    const auto answer = client.value().ask(Json{{"do", what}}, {});
    if (!answer.ok()) return answer.error();
    output.show(answer.value());
    return Exit::ok;
  }

 private:
  std::string volume_;
  bool pause_ = false, resume_ = false, cancel_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_optimize_verb() {
  return std::make_unique<JobStartVerb>(kOptimize);
}
std::unique_ptr<Verb> make_unoptimize_verb() {
  return std::make_unique<JobStartVerb>(kUnoptimize);
}
std::unique_ptr<Verb> make_gc_verb() {
  return std::make_unique<JobStartVerb>(kCollect);
}
std::unique_ptr<Verb> make_scrub_verb() {
  return std::make_unique<JobStartVerb>(kScrub);
}
std::unique_ptr<Verb> make_job_verb() {
  return std::make_unique<JobVerb>();
}

}  // namespace stillframe::dedup::tool

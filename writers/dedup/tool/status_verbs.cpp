// What there is to see of a volume.
#include "writers/dedup/tool/verbs.hpp"
#include "writers/dedup/tool/volume_target.hpp"

namespace stillframe::dedup::tool {

namespace {

// Asks, and shows the answer.
class QuestionVerb final : public Verb {
 public:
  QuestionVerb(const char* name, const char* summary, const char* examples)
      : name_(name), summary_(summary), examples_(examples) {}

  const char* name() const override { return name_; }
  const char* summary() const override { return summary_; }
  const char* examples() const override { return examples_; }
  void describe(CLI::App& command) override { describe_volume(command, volume_); }
  Result<Exit> run(Output& output) override {
    const auto answer = ask_volume(volume_, Json{{"do", name_}});
    if (!answer.ok()) return answer.error();
    output.show(answer.value());
    return Exit::ok;
  }

 private:
  const char* const name_;
  const char* const summary_;
  const char* const examples_;
  std::string volume_;
};

}  // namespace

std::unique_ptr<Verb> make_status_verb() {
  return std::make_unique<QuestionVerb>("status", "Show what is saved, and what each job did last",
                                        "  dedupctl status /srv/data\n"
                                        "  dedupctl status --json /dev/sdb1 | jq .saved_space");
}

std::unique_ptr<Verb> make_inspect_verb() {
  return std::make_unique<QuestionVerb>("inspect", "Show what the store consists of",
                                        "  dedupctl inspect /srv/data\n"
                                        "  dedupctl inspect --json /srv/data | jq .chunk_count");
}

std::unique_ptr<Verb> make_disable_verb() {
  return std::make_unique<QuestionVerb>(
      "disable", "Let no more jobs run on a volume; its files stay as they are",
      "  dedupctl disable /srv/data");
}

}  // namespace stillframe::dedup::tool

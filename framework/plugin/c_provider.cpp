#include "framework/plugin/c_provider.hpp"

namespace stillframe::plugin {
namespace {

class CProvider : public Provider {
 public:
  explicit CProvider(Table<stillframe_provider> table) : table_(std::move(table)) {}
  ~CProvider() override {
    if (p().destroy != nullptr) p().destroy(p().self);
  }

  Status read_info() {
    const stillframe_provider& t = p();
    const bool complete = t.info && t.supports && t.begin_prepare && t.end_prepare &&
                          t.pre_commit && t.commit && t.post_commit && t.pre_final &&
                          t.post_final && t.abort && t.query && t.remove && t.expose &&
                          t.unexpose && t.make_writable && t.revert;
    if (!complete) {
      return Error(Errc::invalid_argument, "the plug-in's provider lacks a function");
    }
    TextSink text;
    if (Status s = ask("info", t.info, text.sink()); !s.ok()) return s;
    auto info = text.decode<ProviderInfo>("info");
    if (!info.ok()) return info.error();
    info_ = std::move(info).value();
    return Ok{};
  }

  ProviderInfo info() const override { return info_; }
  Status supports(const Volume& volume, const SnapshotAttributes& attributes) override {
    return ask("supports", p().supports, json_text(volume).c_str(), json_text(attributes).c_str());
  }
  Status begin_prepare(const CutRequest& request) override {
    return ask("begin_prepare", p().begin_prepare, json_text(request).c_str());
  }
  Result<CutEstimate> end_prepare(const SetId& set) override {
    stillframe_estimate e{};
    Status s = ask("end_prepare", p().end_prepare, c_id(set), &e);
    if (!s.ok()) return s.error();
    return CutEstimate{e.bytes_needed, e.bytes_available, e.files, Duration(e.commit_ns)};
  }
  Status pre_commit(const SetId& set) override {
    return ask("pre_commit", p().pre_commit, c_id(set));
  }
  Result<std::vector<CutRecord>> commit(const SetId& set) override {
    return list<CutRecord>("commit", p().commit, c_id(set));
  }
  Status post_commit(const SetId& set) override {
    return ask("post_commit", p().post_commit, c_id(set));
  }
  Result<std::vector<SnapshotInfo>> pre_final(const SetId& set) override {
    return list<SnapshotInfo>("pre_final", p().pre_final, c_id(set));
  }
  Status post_final(const SetId& set) override {
    return ask("post_final", p().post_final, c_id(set));
  }
  void abort(const SetId& set) override { p().abort(p().self, c_id(set)); }
  Result<std::vector<SnapshotInfo>> query() override {
    return list<SnapshotInfo>("query", p().query);
  }
  Status remove(const SnapshotId& snapshot) override {
    return ask("remove", p().remove, c_id(snapshot));
  }
  Status expose(const SnapshotId& snapshot, const BytePath& place) override {
    return ask("expose", p().expose, c_id(snapshot), place.c_str());
  }
  Status unexpose(const SnapshotId& snapshot) override {
    return ask("unexpose", p().unexpose, c_id(snapshot));
  }
  Status make_writable(const SnapshotId& snapshot) override {
    return ask("make_writable", p().make_writable, c_id(snapshot));
  }
  Status revert(const SnapshotId& snapshot, const RevertOptions& options) override {
    return ask("revert", p().revert, c_id(snapshot), std::int32_t{options.force ? 1 : 0});
  }

 private:
  const stillframe_provider& p() const { return *table_.get(); }

  template <class Function, class... Args>
  Status ask(const char* call, Function function, Args... args) {
    stillframe_error error{};
    return outcome(function(p().self, args..., &error), error, Errc::provider_failed, call);
  }

  template <class T, class Function, class... Args>
  Result<std::vector<T>> list(const char* call, Function function, Args... args) {
    TextSink text;
    if (Status s = ask(call, function, args..., text.sink()); !s.ok()) return s.error();
    auto values = text.decode<std::vector<T>>(call);
    if (!values.ok()) return Error(Errc::provider_failed, values.error().what());
    return values;
  }

  const Table<stillframe_provider> table_;
  ProviderInfo info_;
};

}  // namespace

Result<std::unique_ptr<Provider>> wrap_provider(Table<stillframe_provider> table) {
  if (Status s = table.settle(); !s.ok()) return s.error();
  auto provider = std::make_unique<CProvider>(std::move(table));
  if (Status s = provider->read_info(); !s.ok()) return s.error();
  return std::unique_ptr<Provider>(std::move(provider));
}

}  // namespace stillframe::plugin

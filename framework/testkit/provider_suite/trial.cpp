#include "framework/testkit/provider_suite/trial.hpp"

#include "framework/base/path.hpp"
#include "framework/io/file.hpp"
#include "framework/io/remove_tree.hpp"

namespace stillframe::testkit {

namespace {
constexpr const char* kDataName = "suite";
}

Trial::Trial(ProviderUnderTest& under_test, std::vector<Volume> volumes)
    : under_test_(under_test), volumes_(std::move(volumes)), provider_(under_test.make()) {}

Result<std::unique_ptr<Trial>> Trial::start(ProviderUnderTest& under_test) {
  auto volumes = under_test.volumes();
  if (volumes.empty()) return Error(Errc::not_supported, "there is no volume to try it on");
  std::unique_ptr<Trial> trial(new Trial(under_test, std::move(volumes)));
  for (std::size_t i = 0; i < trial->volume_count(); ++i) {
    if (Status s = make_directories(trial->data(i), 0755); !s.ok()) return s.error();
  }
  return trial;
}

Trial::~Trial() {
  if (!provider_) provider_ = under_test_.make();
  for (const auto& snapshot : made_) {
    (void)provider_->unexpose(snapshot.snapshot);
    (void)provider_->remove(snapshot.snapshot);
  }
  for (const auto& set : sets_) provider_->abort(set);
  provider_.reset();
  for (std::size_t i = 0; i < volumes_.size(); ++i) (void)remove_tree(data(i));
}

BytePath Trial::data(std::size_t index) const {
  return join_path(volumes_[index].mount_point, kDataName);
}

BytePath Trial::data_in(const SnapshotInfo& snapshot) const {
  return join_path(snapshot.root, kDataName);
}

CutRequest Trial::request(const SetId& set, std::size_t index) const {
  CutRequest request;
  request.set = set;
  request.snapshot = SnapshotId::generate();
  request.volume = volumes_[index];
  request.attributes.persistent = true;
  FileSet files;
  files.path = data(index);
  files.pattern = "*";
  files.recursive = true;
  request.files.push_back(files);
  return request;
}

Status Trial::drive(const SetId& set, Upto upto, std::size_t volumes) {
  sets_.push_back(set);
  for (std::size_t i = 0; i < volumes; ++i) {
    if (Status s = provider_->begin_prepare(request(set, i)); !s.ok()) return s;
  }
  for (int next = 1; next <= static_cast<int>(upto); ++next) {
    if (Status s = step(set, static_cast<Upto>(next)); !s.ok()) return s;
  }
  return Ok{};
}

Status Trial::step(const SetId& set, Upto which) {
  const auto status_of = [](const auto& result) -> Status {
    return result.ok() ? Status(Ok{}) : Status(result.error());
  };
  switch (which) {
    case Upto::begin:
      return Ok{};
    case Upto::end_prepare:
      return status_of(provider_->end_prepare(set));
    case Upto::pre_commit:
      return provider_->pre_commit(set);
    case Upto::commit:
      return status_of(provider_->commit(set));
    case Upto::post_commit:
      return provider_->post_commit(set);
    case Upto::pre_final: {
      auto made = provider_->pre_final(set);
      if (made.ok()) made_ = made.value();
      return status_of(made);
    }
    case Upto::post_final:
      return provider_->post_final(set);
  }
  return wrong("no such step");
}

Result<SnapshotInfo> Trial::snapshot() {
  if (Status s = drive(SetId::generate(), Upto::post_final); !s.ok()) return s.error();
  if (made_.size() != 1) return wrong("pre_final should describe one snapshot");
  return find(made_[0].snapshot);
}

void Trial::restart() {
  provider_.reset();
  provider_ = under_test_.make();
}

Result<SnapshotInfo> Trial::find(const SnapshotId& snapshot) {
  auto all = provider_->query();
  if (!all.ok()) return all.error();
  for (const auto& info : all.value()) {
    if (info.snapshot == snapshot) return info;
  }
  return Error(Errc::not_found, "query does not list snapshot " + snapshot.to_string());
}

Result<std::size_t> Trial::count_of(const SetId& set) {
  auto all = provider_->query();
  if (!all.ok()) return all.error();
  std::size_t count = 0;
  for (const auto& info : all.value()) count += info.set == set ? 1 : 0;
  return count;
}

Error wrong(const std::string& what) {
  return Error(Errc::internal, what);
}

Status expect(bool condition, const std::string& otherwise) {
  if (condition) return Ok{};
  return wrong(otherwise);
}

Status expect_same_tree(const TreeDescription& expected, const BytePath& actual,
                        const DescribeOptions& options) {
  auto described = describe_tree(actual, options);
  if (!described.ok()) return described.error();
  const std::string unlike = differences(expected, described.value());
  return expect(unlike.empty(), "the tree at '" + escape_path(actual) + "' differs:\n" + unlike);
}

const std::vector<ProviderCheck>& provider_checks() {
  static const std::vector<ProviderCheck> all = [] {
    std::vector<ProviderCheck> checks;
    for (const auto& some : {order_checks(), content_checks(), keeping_checks(), revert_checks()}) {
      checks.insert(checks.end(), some.begin(), some.end());
    }
    return checks;
  }();
  return all;
}

}  // namespace stillframe::testkit

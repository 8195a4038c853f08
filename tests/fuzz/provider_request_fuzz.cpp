// link: stillframe_provider_host stillframe_provider_factory
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <nlohmann/json.hpp>

#include "framework/providers/host/provider_calls.hpp"
#include "framework/providers/host/restricted_provider.hpp"

namespace {

using namespace stillframe;

// Does nothing, so that only what reads the request is tried.
class Nothing final : public Provider {
 public:
  ProviderInfo info() const override { return {}; }
  Status supports(const Volume&, const SnapshotAttributes&) override { return Ok{}; }
  Status begin_prepare(const CutRequest& request) override {
    if (request.volume.mount_point.empty()) std::abort();  // that of a real volume
    return Ok{};
  }
  Result<CutEstimate> end_prepare(const SetId&) override { return CutEstimate{}; }
  Status pre_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<CutRecord>> commit(const SetId&) override { return std::vector<CutRecord>(); }
  Status post_commit(const SetId&) override { return Ok{}; }
  Result<std::vector<SnapshotInfo>> pre_final(const SetId&) override {
    return std::vector<SnapshotInfo>();
  }
  Status post_final(const SetId&) override { return Ok{}; }
  void abort(const SetId&) override {}
  Result<std::vector<SnapshotInfo>> query() override { return std::vector<SnapshotInfo>(); }
  Status remove(const SnapshotId&) override { return Ok{}; }
  Status expose(const SnapshotId&, const BytePath& place) override {
    if (!place.starts_with("/no/such/place/")) std::abort();  // outside of what is allowed
    if (place.find("/..") != BytePath::npos) std::abort();
    return Ok{};
  }
  Status unexpose(const SnapshotId&) override { return Ok{}; }
  Status make_writable(const SnapshotId&) override { return Ok{}; }
  Status revert(const SnapshotId&, const RevertOptions&) override { return Ok{}; }
};

}  // namespace

// A provider's host may run as root for a caller that is not trusted.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Provider> provider =
      restrict_provider(std::make_unique<Nothing>(), {{"/no/such/place"}, 0});
  const std::string reply =
      serve_provider_call(*provider, {reinterpret_cast<const char*>(data), size});
  bool is_reply = false;
  (void)parse_provider_reply(reply, is_reply);
  if (!is_reply) std::abort();
  return 0;
}

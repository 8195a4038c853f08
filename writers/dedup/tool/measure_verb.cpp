#include <algorithm>
#include <chrono>
#include <cstdint>

#include <stillframe/time.hpp>

#include "framework/base/byte_text.hpp"
#include "writers/dedup/engine/estimate.hpp"
#include "writers/dedup/tool/verbs.hpp"
#include "writers/dedup/tool/volume_target.hpp"

namespace stillframe::dedup::tool {

namespace {

double saved_percent(std::uint64_t kept, std::uint64_t all) {
  if (all == 0 || kept >= all) return 0;
  return static_cast<double>((all - kept) * 1000 / all) / 10;
}

class MeasureVerb final : public Verb {
 public:
  const char* name() const override { return "measure"; }
  const char* summary() const override {
    return "Say what deduplication would save of a folder, or what files take in the store";
  }
  const char* examples() const override {
    return "  dedupctl measure /home\n"
           "  dedupctl measure --stored /srv/data/projects\n"
           "  dedupctl measure --json --mean-chunk 32 /var/lib/libvirt/images | jq "
           ".savings_percent";
  }
  void describe(CLI::App& command) override {
    command.add_option("folder", folder_, "On any file system; with --stored a file or folder")
        ->required();
    command.add_flag("--stored", stored_,
                     "What it takes in the store of the volume it is on, and what would be free "
                     "without it; sizes of chunks are those before compression");
    command.add_option("--mean-chunk", chunk_kib_, "KiB")->check(CLI::IsMember({64, 32, 16}));
    command.add_option("--bytes-min", options_.policy.bytes_min, "Leave smaller files");
    command.add_option("--exclude-folder", options_.policy.excluded_folders, "A pattern")
        ->allow_extra_args(false);
    command.add_option("--exclude-file", options_.policy.excluded_files, "A pattern")
        ->allow_extra_args(false);
  }

  Result<Exit> run(Output& output) override {
    if (stored_) return run_stored(output);
    options_.policy.age_min = std::chrono::seconds(0);
    options_.now_ns = system_clock().wall_now().since_epoch().count();
    options_.profile = chunk_kib_ == 64   ? chunkstore::ChunkProfile::kib64
                       : chunk_kib_ == 32 ? chunkstore::ChunkProfile::kib32
                                          : chunkstore::ChunkProfile::kib16;
    const auto done = estimate_folder(folder_, options_);
    if (!done.ok()) return done.error();
    const Estimate& found = done.value();
    Json failures = Json::array();
    for (const FileFailure& each : found.failures.named()) {
      failures.push_back(
          Json{{"path", escape_bytes(each.path)}, {"why", escape_bytes(each.why.what())}});
    }
    output.show(
        Json{{"files", found.files},
             {"bytes", found.bytes},
             {"optimized_size", found.compressed_bytes},
             {"savings", found.bytes - std::min(found.bytes, found.compressed_bytes)},
             {"savings_percent", saved_percent(found.compressed_bytes, found.bytes)},
             {"optimized_size_uncompressed", found.distinct_bytes},
             {"savings_percent_uncompressed", saved_percent(found.distinct_bytes, found.bytes)},
             {"zero_bytes", found.zero_bytes},
             {"chunks", found.chunks},
             {"distinct_chunks", found.distinct_chunks},
             {"files_with_duplicates", found.files_with_duplicates},
             {"excluded_by_policy_files", found.excluded_files},
             {"excluded_by_policy_bytes", found.excluded_bytes},
             {"excluded_by_error_files", found.failures.count()},
             {"failures", std::move(failures)}});
    return found.failures.count() > 0 ? Exit::partial : Exit::ok;
  }

 private:
  Result<Exit> run_stored(Output& output) const {
    const auto place = VolumeTarget::find_holder(folder_);
    if (!place.ok()) return place.error();
    const auto& [volume, path] = place.value();
    const auto answer = ask_volume(volume, Json{{"do", "measure"}, {"path", escape_bytes(path)}});
    if (!answer.ok()) return answer.error();
    output.show(answer.value());
    return Exit::ok;
  }

  std::string folder_;
  bool stored_ = false;
  int chunk_kib_ = 64;
  EstimateOptions options_;
};

}  // namespace

std::unique_ptr<Verb> make_measure_verb() {
  return std::make_unique<MeasureVerb>();
}

}  // namespace stillframe::dedup::tool

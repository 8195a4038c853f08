// The deduplicating volume and its chunk store beside restic and borg in one run, over the same
// data: what new and known data costs, what is stored, whole and single restores, memory.
//
//   dedup_bench [--dir FOLDER] [--megabytes N] [--seed N]
//
// Everything is per second of processor time, the kernel's included unless it says otherwise: other
// work on the machine makes that a little longer, and wall time meaningless. Fails (1) under a bar.
// Needs root, for trusted attributes, and three times the size of the data in FOLDER.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "framework/chunkstore/chunk_index.hpp"
#include "tests/bench/dedup/data_set.hpp"
#include "tests/bench/dedup/own_store.hpp"
#include "tests/bench/dedup/own_volume.hpp"
#include "tests/bench/dedup/parts.hpp"
#include "tests/bench/dedup/peers.hpp"
#include "tests/bench/dedup/while_collecting.hpp"

namespace stillframe::dedup::bench {
namespace {

using chunkstore::ChunkProfile;

constexpr double kNewBar = 0.40, kKnownBar = 2.0;      // GB a second of processor
constexpr double kNewLimit = 0.53, kKnownLimit = 4.3;  // where the bars come from
constexpr double kRestoreFilesBar = 1.0;               // of user time, files of 1 MiB and up
constexpr double kAmplificationBar = 1.05;
constexpr double kParityStoredBar = 0.90, kFineStoredBar = 0.86;  // of restic's
constexpr double kIndexBarBytes = 416e6, kSlowerBar = 0.30;
constexpr std::uint64_t kLargeFileBytes = std::uint64_t{1} << 20;

struct Figures {
  std::string name;
  double fresh = 0, changed = 0, known = 0;  // GB a second
  double stored = 0;                         // bytes, after both generations
  double restored = 0, restored_user = 0;
  double one_file = 0;  // seconds of processor
  double take_peak = 0, restore_peak = 0;
};

class Bench {
 public:
  Bench(std::string folder, DataSetSpec spec) : folder_(std::move(folder)), spec_(spec) {}
  ~Bench() { std::filesystem::remove_all(folder_); }

  int run() {
    judge_index();
    make_data();
    std::vector<Figures> all;
    const StoreProfiles kParity{"64 KiB", ChunkProfile::kib64, ChunkProfile::kib64};
    const StoreProfiles kFine{"16 and 32 KiB", ChunkProfile::kib16, ChunkProfile::kib32};
    all.push_back(measure(*make_own_store(kParity, fresh_folder("own")), true));
    all.push_back(measure(*make_own_store(kFine, fresh_folder("own")), true));
    const std::pair<const char*, std::unique_ptr<Archiver>> peers[] = {
        {"restic", make_restic(fresh_folder("restic"))}, {"borg", make_borg(fresh_folder("borg"))}};
    for (const auto& [name, peer] : peers) {
      if (peer) {
        all.push_back(measure(*peer, false));
      } else {
        std::printf("%s is not installed: skipped\n", name);
      }
    }
    print(all);
    judge(all);
    compare_with_parts(all[0]);
    judge_volume();
    judge_collection();
    return good_ ? 0 : 1;
  }

 private:
  // ---- helpers

  // Emptied: what was there has been measured.
  std::string fresh_folder(const std::string& name) {
    std::filesystem::remove_all(folder_ + "/" + name);
    std::filesystem::create_directories(folder_ + "/" + name);
    return folder_ + "/" + name;
  }
  static void require(const Cost& cost, const std::string& doing) {
    if (!cost.good) require(cost.said.empty() ? std::string("it failed") : cost.said, doing);
  }
  static void require(const std::string& error, const std::string& doing) {
    if (error.empty()) return;
    std::fprintf(stderr, "%s: %s\n", doing.c_str(), error.c_str());
    std::exit(1);
  }
  static double bytes_below(const std::string& folder) {
    double sum = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) sum += static_cast<double>(entry.file_size());
    }
    return sum;
  }
  void bar(const std::string& what, double found, double bar, bool is_most) {
    const bool met = is_most ? found <= bar : found >= bar;
    good_ &= met;
    std::printf("  %-58s %7.2f  bar %s %.2f%s\n", what.c_str(), found, is_most ? "<=" : ">=", bar,
                met ? "" : "  MISSED");
  }

  // ---- what is measured

  void make_data() {
    const std::pair<Generation, std::string> generations[] = {{Generation::first, first_},
                                                              {Generation::second, second_}};
    for (const auto& [generation, name] : generations) {
      const std::string folder = fresh_folder(name);
      require(measure_work([&, which = generation] {
                const Status s = write_generation(spec_, which, folder);
                return s.ok() ? std::string() : s.error().what();
              }),
              "write the data");
    }
    for (const TreeFile& file : tree_files(spec_)) {
      if (file.edited && file.bytes >= kLargeFileBytes) one_file_ = "tree/" + file.path;
    }
    if (one_file_.empty()) one_file_ = "image.raw";
    std::printf("data: %.1f and %.1f MB, %zu files and an image each\n",
                bytes_below(folder_ + "/" + first_) / 1e6,
                bytes_below(folder_ + "/" + second_) / 1e6, tree_files(spec_).size());
    std::fflush(stdout);
  }

  Figures measure(Archiver& archiver, bool compare) {
    Figures it;
    it.name = archiver.name();
    const auto take = [&](const std::string& name, int number) {
      const Cost cost = archiver.take(folder_ + "/" + name, number);
      require(cost, it.name + " takes " + name);
      it.take_peak = std::max(it.take_peak, cost.peak_bytes);
      return bytes_below(folder_ + "/" + name) / cost.processor() / 1e9;
    };
    it.fresh = take(first_, 0);
    it.changed = take(second_, 1);
    it.stored = bytes_below(archiver.repository());
    it.known = take(first_, 2);
    const std::string into = fresh_folder("restored");
    const Cost whole = archiver.restore(1, into);
    require(whole, it.name + " restores");
    if (compare) require(difference_between(folder_ + "/" + second_, into), it.name);
    it.restored = bytes_below(into) / whole.processor() / 1e9;
    it.restored_user = bytes_below(into) / whole.user / 1e9;
    it.restore_peak = whole.peak_bytes;
    const Cost one = archiver.restore_file(1, one_file_, fresh_folder("restored"));
    require(one, it.name + " restores a file");
    require(files_below(folder_ + "/restored").size() == 1 ? "" : "not one file came back",
            it.name);
    it.one_file = one.processor();
    return it;
  }

  static void print(const std::vector<Figures>& all) {
    std::printf("\n%-28s %6s %8s %6s %9s %9s %7s %9s %8s %8s\n", "GB a second of processor", "new",
                "changed", "known", "stored MB", "restored", "(user)", "a file ms", "peak MB",
                "restore");
    for (const Figures& it : all) {
      std::printf("%-28s %6.3f %8.3f %6.3f %9.1f %9.3f %7.3f %9.0f %8.0f %8.0f\n", it.name.c_str(),
                  it.fresh, it.changed, it.known, it.stored / 1e6, it.restored, it.restored_user,
                  it.one_file * 1e3, it.take_peak / 1e6, it.restore_peak / 1e6);
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  void judge(const std::vector<Figures>& all) {
    const Figures &parity = all[0], &fine = all[1];
    bar("new data, GB a second, 64 KiB", parity.fresh, kNewBar, false);
    bar("known data, GB a second, 64 KiB", parity.known, kKnownBar, false);
    bar("new data, GB a second, 16 and 32 KiB", fine.fresh, kNewBar, false);
    bar("known data, GB a second, 16 and 32 KiB", fine.known, kKnownBar, false);
    for (std::size_t i = 2; i < all.size(); ++i) {
      const Figures& peer = all[i];
      for (const Figures* own : {&parity, &fine}) {
        std::printf(
            "  %s over %s: new %.1f, changed %.1f, known %.1f, restored %.1f times as fast; "
            "stored %.3f\n",
            own->name.c_str(), peer.name.c_str(), own->fresh / peer.fresh,
            own->changed / peer.changed, own->known / peer.known, own->restored / peer.restored,
            own->stored / peer.stored);
      }
      if (peer.name != "restic") continue;
      std::printf("  restic stores %.3f of the data\n",
                  peer.stored / static_cast<double>(spec_.bytes));
      bar("stored, of restic's, 64 KiB", parity.stored / peer.stored, kParityStoredBar, true);
      bar("stored, of restic's, 16 KiB trees and 32 KiB images", fine.stored / peer.stored,
          kFineStoredBar, true);
    }
    std::fflush(stdout);
  }

  // The bars are of a machine whose parts together took 0.53 GB of new data and 4.3 of known.
  void compare_with_parts(const Figures& own) {
    const auto found =
        measure_parts(folder_ + "/" + first_, ChunkProfile::kib64, folder_ + "/scratch");
    require(found.ok() ? "" : found.error().what(), "measure the parts");
    const Parts& parts = found.value();
    std::printf(
        "\nparts on this machine, GB a second: reading %.2f, cutting %.2f, fingerprints %.2f, "
        "zstd %.3f, writing %.2f\n",
        parts.speed(parts.read), parts.speed(parts.cut), parts.speed(parts.fingerprints),
        parts.speed(parts.compress), parts.speed(parts.write));
    const auto of_limit = [](const char* what, double reached, double most, double barred_at) {
      std::printf("  %-58s %7.2f  of %.2f; the bar is %.2f of its machine's\n", what,
                  reached / most, most, barred_at);
    };
    of_limit("new data, of what the parts together allow", own.fresh, parts.new_limit(),
             kNewBar / kNewLimit);
    of_limit("known data, of what the parts together allow", own.known, parts.known_limit(),
             kKnownBar / kKnownLimit);
    std::fflush(stdout);
  }

  // The job on a volume, then files of its backup.
  void judge_volume() {
    OwnVolume volume(fresh_folder("volume"), ChunkProfile::kib64);
    const std::pair<std::string, std::string> takes[] = {
        {first_, "first"}, {second_, "second"}, {first_, "again"}};
    std::printf("\noptimization of a volume, 64 KiB, GB a second of processor\n");
    for (const auto& [name, as] : takes) {
      const Cost cost = volume.take(folder_ + "/" + name, as);
      require(cost, "optimize " + as);
      std::printf("  %-8s %6.3f, peak %.0f MB\n", as.c_str(),
                  bytes_below(folder_ + "/" + name) / cost.processor() / 1e9,
                  cost.peak_bytes / 1e6);
    }
    require(volume.seal(), "seal the containers");
    std::vector<std::string> all, large;
    for (const std::string& path : files_below(folder_ + "/" + second_)) {
      all.push_back("/second/" + path);
      if (std::filesystem::file_size(folder_ + "/" + second_ + "/" + path) >= kLargeFileBytes) {
        large.push_back(all.back());
      }
    }
    std::printf("RestoreFiles, GB a second of user time\n");
    restore_files_of(volume, "one file", {"/second/" + one_file_});
    restore_files_of(volume, "all files", all);
    const auto [speed, amplification] = restore_files_of(volume, "files of 1 MiB and more", large);
    bar("RestoreFiles, GB a second of user time", speed, kRestoreFilesBar, false);
    bar("bytes read of containers, of those needed", amplification, kAmplificationBar, true);
    std::fflush(stdout);
  }

  std::pair<double, double> restore_files_of(OwnVolume& volume, const std::string& what,
                                             const std::vector<std::string>& paths) {
    RestoreReads reads;
    const std::string target = fresh_folder("restored");
    const Cost cost = volume.restore(paths, target, reads);
    require(cost, "restore " + what);
    if (paths.size() > 1 && paths.size() == files_below(folder_ + "/" + second_).size()) {
      require(difference_between(folder_ + "/" + second_, target + "/second"), what);
    }
    const double speed = static_cast<double>(reads.file_bytes) / cost.user / 1e9;
    const double amplification =
        static_cast<double>(reads.container_bytes) / static_cast<double>(reads.needed_bytes);
    std::printf(
        "  %-24s %6.3f (%.3f with the kernel), %.1f MB from %.1f MB of containers, "
        "%.4f of what is needed, and %.1f KB else; peak %.0f MB\n",
        what.c_str(), speed, static_cast<double>(reads.file_bytes) / cost.processor() / 1e9,
        static_cast<double>(reads.file_bytes) / 1e6,
        static_cast<double>(reads.container_bytes) / 1e6, amplification,
        static_cast<double>(reads.other_bytes) / 1e3, cost.peak_bytes / 1e6);
    return {speed, amplification};
  }

  void judge_collection() {
    const auto found =
        write_while_collecting(fresh_folder("collected"), folder_ + "/" + first_ + "/image.raw");
    require(found.error, "write while collecting");
    std::printf(
        "\nnew data while a collection runs: %.3f GB a second of the writing thread, alone "
        "%.3f\n",
        found.beside, found.alone);
    bar("slower by", found.slower_by(), kSlowerBar, true);
  }

  // A terabyte in chunks of 64 KiB, with 256 MiB containers of half the size.
  void judge_index() {
    constexpr std::uint64_t kChunks = std::uint64_t{16'800'000}, kPerContainer = 8192;
    const Cost cost = measure_work([] {
      chunkstore::ChunkIndex index;
      std::mt19937_64 random(1);
      chunkstore::Fingerprint fingerprint{};
      for (std::uint64_t i = 0; i < kChunks; ++i) {
        store_le(reinterpret_cast<std::byte*>(fingerprint.data()), random());
        index.insert(fingerprint, static_cast<std::uint32_t>(1 + i / kPerContainer));
      }
      return index.size() == kChunks ? std::string() : std::string("chunks are missing");
    });
    require(cost, "fill an index");
    std::printf("index of %.1f million chunks: %.0f MB at its peak\n", kChunks / 1e6,
                cost.peak_bytes / 1e6);
    bar("index, MB", cost.peak_bytes / 1e6, kIndexBarBytes / 1e6, true);
  }

  const std::string folder_;
  const DataSetSpec spec_;
  const std::string first_ = "first", second_ = "second";
  std::string one_file_;  // of the second generation
  bool good_ = true;
};

int run(int argc, char** argv) {
  const char* place = std::getenv("TMPDIR");
  std::string folder = place == nullptr ? "/tmp" : place;
  DataSetSpec spec;
  std::uint64_t megabytes = spec.bytes / 1'000'000;
  CLI::App app("Measures the deduplicating volume beside restic and borg.", "dedup_bench");
  app.add_option("--dir", folder, "A folder on the file system to measure");
  app.add_option("--megabytes", megabytes, "Of data, in both generations")
      ->check(CLI::Range(std::uint64_t{10}, std::uint64_t{1'000'000}));
  app.add_option("--seed", spec.seed, "Of the data");
  CLI11_PARSE(app, argc, argv);
  spec.bytes = megabytes * 1'000'000;
  if (::geteuid() != 0) {
    std::printf("only root may mark files as deduplicated\n");
    return 77;
  }
  return Bench(std::filesystem::absolute(folder).string() + "/dedup-bench-" +
                   std::to_string(::getpid()),
               spec)
      .run();
}

}  // namespace
}  // namespace stillframe::dedup::bench

int main(int argc, char** argv) {
  return stillframe::dedup::bench::run(argc, argv);
}

#include "tests/bench/dedup/own_store.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

#include "framework/chunkstore/store.hpp"
#include "framework/chunkstore/store_reader.hpp"
#include "framework/chunkstore/stream_reader.hpp"
#include "framework/chunkstore/stream_writer.hpp"
#include "framework/io/file.hpp"

namespace stillframe::dedup::bench {

namespace {

using chunkstore::Store;
using chunkstore::StoreReader;
using chunkstore::StreamId;

constexpr std::size_t kPieceBytes = chunkstore::kStreamPieceBytes;
constexpr std::uint64_t kCommitBytes = std::uint64_t{256} << 20;

Result<std::size_t> read_piece(int fd, std::vector<std::byte>& piece, std::uint64_t offset,
                               const std::string& path) {
  const ssize_t got = ::pread(fd, piece.data(), piece.size(), static_cast<off_t>(offset));
  if (got < 0) return Error(Errc::io, "cannot read '" + path + "'");
  return static_cast<std::size_t>(got);
}

class OwnStore final : public Archiver {
 public:
  OwnStore(StoreProfiles profiles, std::string folder)
      : profiles_(std::move(profiles)), folder_(std::move(folder)) {}

  std::string name() const override { return "stillframe " + profiles_.name; }
  std::string repository() const override { return folder_ + "/repository"; }

  Cost take(const std::string& folder, int number) override {
    return measure_work([&] { return said(archive(folder, number)); });
  }
  Cost restore(int number, const std::string& into) override {
    return measure_work([&] { return said(put_back(number, std::nullopt, into)); });
  }
  Cost restore_file(int number, const std::string& path, const std::string& into) override {
    return measure_work([&] { return said(put_back(number, path, into)); });
  }

 private:
  static constexpr std::size_t kTrees = 0, kImages = 1;
  bool is_one_store() const { return profiles_.trees == profiles_.images; }
  std::size_t store_for(const std::string& path) const {
    return is_one_store() || path.rfind("tree/", 0) == 0 ? kTrees : kImages;
  }
  std::string store_folder(std::size_t store) const {
    return repository() + (store == kTrees ? "/trees" : "/images");
  }
  std::string list(int number) const { return repository() + "/list-" + std::to_string(number); }
  static std::string said(const Status& s) { return s.ok() ? "" : s.error().what(); }

  Status archive(const std::string& folder, int number) {
    std::array<std::unique_ptr<Store>, 2> stores;
    for (std::size_t i = 0; i < (is_one_store() ? 1 : 2); ++i) {
      if (number == 0) {
        const auto profile = i == kTrees ? profiles_.trees : profiles_.images;
        if (Status s = files_->make_directory(store_folder(i)); !s.ok()) return s;
        if (Status s = Store::create(*files_, store_folder(i), profile); !s.ok()) return s;
      }
      auto store = Store::open(*files_, store_folder(i));
      if (!store.ok()) return store.error();
      stores[i] = std::move(store).value();
    }
    std::ofstream names(list(number));
    std::uint64_t open_bytes = 0;
    for (const std::string& path : files_below(folder)) {
      const std::size_t to = store_for(path);
      const auto written = archive_file(*stores[to], folder + "/" + path);
      if (!written.ok()) return written.error();
      const chunkstore::WrittenStream& it = written.value();
      names << to << ' ' << it.id.map.container << ' ' << it.id.map.local_id << ' ' << path << '\n';
      open_bytes += it.bytes;
      if (open_bytes < kCommitBytes) continue;
      if (Status s = commit(stores); !s.ok()) return s;
      open_bytes = 0;
    }
    return commit(stores);
  }

  static Status commit(std::array<std::unique_ptr<Store>, 2>& stores) {
    for (auto& store : stores) {
      if (!store) continue;
      if (Status s = store->commit(); !s.ok()) return s;
    }
    return Ok{};
  }

  Result<chunkstore::WrittenStream> archive_file(Store& store, const std::string& path) {
    const auto file = open_file(path, O_RDONLY);
    if (!file.ok()) return file.error();
    auto writer = store.write_stream();
    for (std::uint64_t at = 0;;) {
      const auto got = read_piece(file.value().get(), piece_, at, path);
      if (!got.ok()) return got.error();
      if (got.value() < kPieceBytes) return writer.finish(Bytes(piece_).first(got.value()));
      if (Status s = writer.write(Bytes(piece_).first(got.value())); !s.ok()) return s.error();
      at += got.value();
    }
  }

  // All of an archive, or one file.
  Status put_back(int number, const std::optional<std::string>& wanted, const std::string& into) {
    std::map<std::size_t, std::unique_ptr<StoreReader>> readers;
    std::ifstream names(list(number));
    std::size_t store = 0;
    StreamId id;
    for (std::string path; names >> store >> id.map.container >> id.map.local_id >> path;) {
      if (wanted && path != *wanted) continue;
      if (readers[store] == nullptr) {
        auto reader = StoreReader::open(*files_, store_folder(store));
        if (!reader.ok()) return reader.error();
        readers[store] = std::move(reader).value();
      }
      const std::filesystem::path to = into + "/" + path;
      std::filesystem::create_directories(to.parent_path());
      if (Status s = put_back_file(*readers[store], id, to.string()); !s.ok()) return s;
    }
    return Ok{};
  }

  Status put_back_file(StoreReader& reader, StreamId id, const std::string& to) {
    const auto file = open_file(to, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!file.ok()) return file.error();
    auto stream = reader.read_stream(id);
    if (!stream.ok()) return stream.error();
    for (std::uint64_t at = 0; at < stream.value().bytes(); at += kPieceBytes) {
      const auto step = std::min<std::uint64_t>(kPieceBytes, stream.value().bytes() - at);
      if (Status s = stream.value().read(at, MutableBytes(piece_).first(step)); !s.ok()) return s;
      const std::string_view text(reinterpret_cast<const char*>(piece_.data()), step);
      if (Status s = write_all(file.value().get(), text, to); !s.ok()) return s;
    }
    return Ok{};
  }

  const StoreProfiles profiles_;
  const std::string folder_;
  const std::unique_ptr<Files> files_ = posix_files();
  std::vector<std::byte> piece_ = std::vector<std::byte>(kPieceBytes);
};

}  // namespace

std::unique_ptr<Archiver> make_own_store(const StoreProfiles& profiles, const std::string& folder) {
  return std::make_unique<OwnStore>(profiles, folder);
}

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path().lexically_relative(folder).string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string difference_between(const std::string& one, const std::string& other) {
  const auto paths = files_below(one);
  if (paths != files_below(other)) return "'" + other + "' has other files than '" + one + "'";
  std::vector<std::byte> a(kPieceBytes), b(kPieceBytes);
  for (const std::string& path : paths) {
    const auto in_one = open_file(one + "/" + path, O_RDONLY);
    const auto in_other = open_file(other + "/" + path, O_RDONLY);
    if (!in_one.ok() || !in_other.ok()) return "cannot open '" + path + "'";
    for (std::uint64_t at = 0;; at += kPieceBytes) {
      const auto got = read_piece(in_one.value().get(), a, at, path);
      const auto same = read_piece(in_other.value().get(), b, at, path);
      if (!got.ok() || !same.ok() || got.value() != same.value() ||
          !std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(got.value()), b.begin())) {
        return "'" + path + "' came back with other bytes";
      }
      if (got.value() < kPieceBytes) break;
    }
  }
  return "";
}

}  // namespace stillframe::dedup::bench

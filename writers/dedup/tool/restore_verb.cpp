#include <cstdint>

#include <sys/stat.h>

#include <stillframe/restore/selective_restore.hpp>

#include "framework/base/byte_text.hpp"
#include "writers/dedup/restore/counting_backup.hpp"
#include "writers/dedup/tool/verbs.hpp"

namespace stillframe::dedup::tool {

namespace {

std::string_view outcome_name(RestoredAs as) {
  switch (as) {
    case RestoredAs::restored:
      return "restored";
    case RestoredAs::not_deduplicated:
      return "not_deduplicated";
    case RestoredAs::failed:
      break;
  }
  return "failed";
}

std::uint64_t bytes_of(const BytePath& file) {
  struct stat about {};
  return ::lstat(file.c_str(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

double times_read(std::uint64_t read, std::uint64_t restored) {
  if (restored == 0) return 0;
  return static_cast<double>(read * 1000 / restored) / 1000;
}

class RestoreVerb final : public Verb {
 public:
  const char* name() const override { return "restore"; }
  const char* summary() const override {
    return "Give marked files that were copied back their bytes, from a backup of their volume";
  }
  const char* examples() const override {
    return "  dedupctl restore --from /mnt/snapshot --to /srv/other a/file b/file\n"
           "  dedupctl restore --key-file /etc/stillframe/data.key --from /mnt/snapshot --to "
           "/srv/other a/file\n"
           "  dedupctl restore --json --from /mnt/snapshot --to /srv/other a/file | jq .files";
  }
  void describe(CLI::App& command) override {
    command
        .add_option("--from", backup_,
                    "The root of a copy of the volume, with its store; of increments each, the "
                    "newest first")
        ->allow_extra_args(false)
        ->required();
    command.add_option("--to", root_, "Where the marked files are; no deduplicated volume")
        ->required();
    command.add_option("--key-file", key_file_, "Of an encrypted store");
    command.add_option("file", files_, "Below both")->required();
  }

  Result<Exit> run(Output& output) override {
    std::vector<BytePath> paths;
    for (const std::string& file : files_) {
      paths.push_back(file.starts_with('/') ? file : "/" + file);
    }
    BackupReads reads;
    const auto folder = backup_in_folders({backup_.begin(), backup_.end()});
    const auto backup = counting_backup(*folder, reads);
    const auto done = restore_files(root_, paths, *backup, key_file_);
    if (!done.ok()) return done.error();
    Json files = Json::array();
    std::uint64_t failed = 0, restored_bytes = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const RestoredFile& one = done.value().at(i);
      Json json{{"path", escape_bytes(paths[i])}, {"became", outcome_name(one.as)}};
      if (one.as == RestoredAs::restored) restored_bytes += bytes_of(root_ + paths[i]);
      if (one.as == RestoredAs::failed) {
        ++failed;
        json["code"] = one.code;
        json["why"] = restore_code_text(one.code);
      }
      files.push_back(std::move(json));
    }
    output.show(Json{{"files", std::move(files)},
                     {"failed", failed},
                     {"restored_bytes", restored_bytes},
                     {"container_bytes_read", reads.container_bytes},
                     {"table_bytes_read", reads.other_bytes},
                     {"read_amplification", times_read(reads.container_bytes, restored_bytes)}});
    return failed == 0 ? Exit::ok : Exit::partial;
  }

 private:
  std::string root_, key_file_;
  std::vector<std::string> backup_, files_;
};

}  // namespace

std::unique_ptr<Verb> make_restore_verb() {
  return std::make_unique<RestoreVerb>();
}

}  // namespace stillframe::dedup::tool

// Making a volume a deduplicated one.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "writers/dedup/engine/volume_on_device.hpp"
#include "writers/dedup/tool/limit_options.hpp"
#include "writers/dedup/tool/verbs.hpp"
#include "writers/dedup/tool/volume_target.hpp"

namespace stillframe::dedup::tool {

namespace {

constexpr std::int64_t kHoursADay = 24;

class EnableVerb final : public Verb {
 public:
  const char* name() const override { return "enable"; }
  const char* summary() const override {
    return "Make a file system a deduplicated volume, or change its policy";
  }
  const char* examples() const override {
    return "  dedupctl enable /dev/sdb1 && dedupctl mount /dev/sdb1 /srv/data\n"
           "  dedupctl enable --usage images --mean-chunk 32 /dev/sdb1\n"
           "  dedupctl enable --encrypt --key-file /etc/stillframe/data.key /dev/sdb1\n"
           "  dedupctl enable --age-min-days 0 --exclude-file '*.tmp' --exclude-folder cache "
           "/dev/sdb1\n"
           "  dedupctl enable --io-rate 50M --cpu-percent 30 /dev/sdb1";
  }
  void describe(CLI::App& command) override {
    describe_volume(command, volume_);
    options_ = {
        command.add_option("--usage", usage_, "default, images (of virtual machines) or backup")
            ->check(CLI::IsMember({"default", "images", "backup"})),
        command.add_option("--age-min-days", age_days_, "Leave files that were written to since")
            ->check(CLI::Range(0, 36500)),
        command.add_option("--bytes-min", bytes_min_, "Leave smaller files"),
        command
            .add_option("--references-min", references_min_,
                        "Keep what files name as often twice; 0: nothing")
            ->check(CLI::Range(0, 65535)),
        command.add_option("--exclude-folder", folders_, "A pattern; again for more")
            ->allow_extra_args(false),
        command.add_option("--exclude-file", files_, "A pattern; again for more")
            ->allow_extra_args(false),
    };
    for (CLI::Option* option : limits_.describe(command)) options_.push_back(option);
    encrypt_option_ = command.add_flag("--encrypt", encrypt_, "The store of a volume that is new");
    options_.push_back(encrypt_option_);
    key_option_ = command.add_option("--key-file", key_file_,
                                     "32 bytes, for its owner alone, on another volume");
    options_.push_back(key_option_);
    encrypt_option_->needs(key_option_);
    key_option_->needs(encrypt_option_);
    chunk_option_ = command.add_option("--mean-chunk", chunk_kib_, "KiB; of a volume that is new")
                        ->check(CLI::IsMember({64, 32, 16}));
  }

  Result<Exit> run(Output& output) override {
    const auto target = VolumeTarget::find(volume_);
    if (!target.ok()) return target.error();
    auto client = target.value().connect();
    if (client.ok()) return enable_mounted(client.value(), output);
    if (client.error().code() != Errc::disconnected) return client.error();
    auto settings = wanted_settings();
    if (!settings.ok()) return settings.error();
    std::optional<chunkstore::ChunkProfile> profile;
    if (chunk_option_->count() > 0) {
      profile = chunk_kib_ == 64   ? chunkstore::ChunkProfile::kib64
                : chunk_kib_ == 32 ? chunkstore::ChunkProfile::kib32
                                   : chunkstore::ChunkProfile::kib16;
    }
    const Status made =
        VolumeOnDevice::enable(target.value().device, std::move(settings).value(), profile);
    if (!made.ok()) return made.error();
    const auto status = ask_volume(target.value().device, Json{{"do", "status"}});
    if (!status.ok()) return status.error();
    output.show(status.value());
    return Exit::ok;
  }

 private:
  bool says_settings() const {
    return std::any_of(options_.begin(), options_.end(),
                       [](const CLI::Option* option) { return option->count() > 0; });
  }

  // None without options: a volume that was disabled keeps its policy.
  Result<std::optional<VolumeSettings>> wanted_settings() const {
    if (!says_settings()) return std::optional<VolumeSettings>();
    VolumeSettings settings;
    settings.usage = usage_;
    auto policy = policy_for(usage_);
    if (!policy.ok()) return policy.error();
    settings.policy = std::move(policy).value();
    if (age_days_ >= 0) settings.policy.age_min = std::chrono::hours(age_days_ * kHoursADay);
    if (bytes_min_) settings.policy.bytes_min = *bytes_min_;
    if (references_min_) settings.policy.references_min = *references_min_;
    settings.policy.excluded_folders = folders_;
    settings.policy.excluded_files = files_;
    settings.limits = limits_.over({});
    if (key_option_->count() > 0) {
      auto key_file = resolved_key_file(key_file_);
      if (!key_file.ok()) return key_file.error();
      settings.key_file = std::move(key_file).value();
    }
    return std::optional<VolumeSettings>(std::move(settings));
  }

  Result<Exit> enable_mounted(ControlClient& client, Output& output) const {
    if (says_settings() || chunk_option_->count() > 0) {
      return Error(Errc::wrong_state,
                   "the settings of a volume are not changed while it is mounted: unmount it "
                   "first");
    }
    const auto answer = client.ask(Json{{"do", "enable"}}, {});
    if (!answer.ok()) return answer.error();
    output.show(answer.value());
    return Exit::ok;
  }

  std::vector<CLI::Option*> options_;
  CLI::Option* chunk_option_ = nullptr;
  CLI::Option* encrypt_option_ = nullptr;
  CLI::Option* key_option_ = nullptr;
  std::string volume_, usage_ = "default", key_file_;
  std::int64_t age_days_ = -1;
  std::optional<std::uint64_t> bytes_min_;
  std::optional<std::uint32_t> references_min_;
  std::vector<std::string> folders_, files_;
  LimitOptions limits_;
  bool encrypt_ = false;
  int chunk_kib_ = 64;
};

class RekeyVerb final : public Verb {
 public:
  const char* name() const override { return "rekey"; }
  const char* summary() const override {
    return "Have another key file open an encrypted volume, and the one of now no more";
  }
  const char* examples() const override {
    return "  dedupctl rekey --key-file /etc/stillframe/new.key /dev/sdb1\n"
           "  (umask 077 && head -c 32 /dev/urandom >/etc/stillframe/new.key)";
  }
  void describe(CLI::App& command) override {
    describe_volume(command, volume_);
    command.add_option("--key-file", key_file_, "The new one")->required();
  }

  Result<Exit> run(Output& output) override {
    const auto target = VolumeTarget::find(volume_);
    if (!target.ok()) return target.error();
    const auto key_file = resolved_key_file(key_file_);
    if (!key_file.ok()) return key_file.error();
    const Status done = VolumeOnDevice::change_key(target.value().device, key_file.value());
    if (!done.ok()) return done.error();
    output.show(Json{{"volume", target.value().device}, {"key_file", key_file.value()}});
    return Exit::ok;
  }

 private:
  std::string volume_, key_file_;
};

}  // namespace

std::unique_ptr<Verb> make_rekey_verb() {
  return std::make_unique<RekeyVerb>();
}

std::unique_ptr<Verb> make_enable_verb() {
  return std::make_unique<EnableVerb>();
}

}  // namespace stillframe::dedup::tool

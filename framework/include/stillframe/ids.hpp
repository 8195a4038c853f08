// Identities. Each kind of thing has an id type of its own, so that two ids cannot be swapped.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <stillframe/result.hpp>

namespace stillframe {

using UuidBytes = std::array<std::uint8_t, 16>;

// Random (version 4) bytes, their lower-case 8-4-4-4-12 text, and back; upper case and braces are
// accepted.
UuidBytes generate_uuid();
std::string uuid_to_string(const UuidBytes& bytes);
Result<UuidBytes> parse_uuid(std::string_view text);

template <class Tag>
class Id {
 public:
  constexpr Id() = default;  // the nil id: "none"
  constexpr explicit Id(const UuidBytes& bytes) : bytes_(bytes) {}

  static Id generate() { return Id(generate_uuid()); }
  static Result<Id> parse(std::string_view text) {
    auto bytes = parse_uuid(text);
    if (!bytes.ok()) return bytes.error();
    return Id(bytes.value());
  }

  constexpr bool is_nil() const noexcept { return bytes_ == UuidBytes{}; }
  constexpr const UuidBytes& bytes() const noexcept { return bytes_; }
  std::string to_string() const { return uuid_to_string(bytes_); }

  friend constexpr auto operator<=>(const Id&, const Id&) = default;

 private:
  UuidBytes bytes_{};
};

using SessionId = Id<struct SessionIdTag>;                // one backup or one restore
using SetId = Id<struct SetIdTag>;                        // a snapshot set
using SnapshotId = Id<struct SnapshotIdTag>;              // one volume's snapshot
using WriterClassId = Id<struct WriterClassIdTag>;        // chosen by a writer's author, for ever
using WriterInstanceId = Id<struct WriterInstanceIdTag>;  // one run of one writer
using ProviderId = Id<struct ProviderIdTag>;
using BackupId = Id<struct BackupIdTag>;  // one published backup set

}  // namespace stillframe

template <class Tag>
struct std::hash<stillframe::Id<Tag>> {
  std::size_t operator()(const stillframe::Id<Tag>& id) const noexcept {
    std::size_t value = 1469598103934665603ULL;
    for (auto byte : id.bytes()) value = (value ^ byte) * 1099511628211ULL;
    return value;
  }
};

// What a connection may do. Each is a right of its own: none includes another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stillframe::daemon {

enum class Right : std::uint32_t {
  look = 1,        // writers, volumes, sessions, snapshots, events: nothing changes
  backup = 2,      // backup sessions and their snapshots
  restore = 4,     // restore sessions
  remove = 8,      // delete snapshots that no session of the connection made, or make them writable
  revert = 16,     // put a whole volume back
  manage = 32,     // mount snapshots somewhere, end others' sessions, release quarantined plug-ins
  register_ = 64,  // be a writer
  redirect = 128   // have writers restored to places that nobody agreed to beforehand
};

class Rights {
 public:
  constexpr Rights() = default;
  constexpr Rights(Right right) : bits_(static_cast<std::uint32_t>(right)) {}
  static constexpr Rights all() { return Rights(255U); }

  constexpr bool has(Right right) const noexcept {
    return (bits_ & static_cast<std::uint32_t>(right)) != 0;
  }
  constexpr bool any() const noexcept { return bits_ != 0; }
  constexpr Rights operator|(Rights other) const noexcept { return Rights(bits_ | other.bits_); }
  constexpr Rights operator&(Rights other) const noexcept { return Rights(bits_ & other.bits_); }
  Rights& operator|=(Rights other) noexcept { return *this = *this | other; }
  friend constexpr bool operator==(Rights, Rights) = default;

 private:
  explicit constexpr Rights(std::uint32_t bits) : bits_(bits) {}
  std::uint32_t bits_ = 0;
};

// As the policy file and messages write it: "look", "backup", "restore", "delete", "revert",
// "manage", "register", "redirect".
std::string_view to_string(Right right) noexcept;
std::optional<Right> parse_right(std::string_view text) noexcept;
const std::vector<Right>& all_rights();

}  // namespace stillframe::daemon

#include "writers/ese/ntds/ntds_error.hpp"

#include "writers/ese/jet/answer.hpp"

namespace stillframe::ese::ntds {

namespace {

constexpr std::uint32_t kEngineErrors = 0xC8000000;
constexpr std::int32_t kEngineLeast = -0xFFFF;  // of JET's numbers

}  // namespace

HRESULT hresult_of(const Error& error) noexcept {
  const std::int32_t own = error.application_code();
  if (own > 0 || own < kEngineLeast) return own;
  if (own == 0 && error.code() == Errc::access_denied) return ERROR_ACCESS_DENIED;
  if (own == 0 && error.code() == Errc::wrong_state) return hrError;
  const auto number = static_cast<std::uint32_t>(-jet::jet_number(error));
  return static_cast<HRESULT>(kEngineErrors | number);
}

}  // namespace stillframe::ese::ntds

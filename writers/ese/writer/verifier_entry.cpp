// stillframe-writer-ese.so as a verifier: EseVerifier for requestors that know it by its file.
#include <exception>
#include <memory>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include <stillframe/verifier_plugin.h>

#include "framework/model/json_codec.hpp"
#include "framework/plugin/exported_writer.hpp"
#include "writers/ese/writer/ese_verifier.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kIdentityBytesMax = std::size_t{1} << 20;

template <class Call>
std::int32_t answer_verifier(stillframe_error* error, const Call& call) noexcept {
  try {
    const Status done = call();
    return done.ok() ? STILLFRAME_OK : plugin::report_failure(done.error(), error);
  } catch (const std::exception& thrown) {
    return plugin::report_failure(Error(Errc::internal, thrown.what()), error);
  }
}

std::int32_t wants_file(const char* writer_json, const char* component, const char* file) {
  try {
    const auto json = parse_json_text(writer_json, kIdentityBytesMax);
    if (!json.ok()) return 0;
    const auto writer = decode_json<WriterIdentity>(json.value(), "writer");
    return writer.ok() && EseVerifier().wants(writer.value(), {"", component}, file) ? 1 : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

std::int32_t open_check(const char* file, std::uint64_t bytes, void** check,
                        stillframe_error* error) {
  return answer_verifier(error, [&]() -> Status {
    auto opened = EseVerifier().open(file, bytes);
    if (!opened.ok()) return opened.error();
    *check = std::move(opened).value().release();
    return Ok{};
  });
}

std::int32_t feed_check(void* check, const void* data, std::uint64_t bytes,
                        stillframe_error* error) {
  return answer_verifier(error, [&] {
    const std::span<const std::byte> some(static_cast<const std::byte*>(data), bytes);
    return static_cast<FileVerifier*>(check)->feed(some);
  });
}

std::int32_t finish_check(void* check, stillframe_error* error) {
  return answer_verifier(error, [&] { return static_cast<FileVerifier*>(check)->finish(); });
}

void close_check(void* check) {
  delete static_cast<FileVerifier*>(check);
}

constexpr stillframe_verifier kEseVerifier = {sizeof(stillframe_verifier),
                                              STILLFRAME_VERIFIER_ABI_MAJOR,
                                              "ese",
                                              wants_file,
                                              open_check,
                                              feed_check,
                                              finish_check,
                                              close_check};

}  // namespace

}  // namespace stillframe::ese

extern "C" __attribute__((visibility("default"))) const stillframe_verifier*
stillframe_verifier_entry(uint32_t host_abi_major) {
  return host_abi_major == STILLFRAME_VERIFIER_ABI_MAJOR ? &stillframe::ese::kEseVerifier : nullptr;
}

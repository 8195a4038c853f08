#include "writers/ese/format/newest_log.hpp"

namespace stillframe::ese {
namespace {

constexpr std::uint32_t kUpdateWithTimeRequired = 150;

}  // namespace

void set_newest_required(DatabaseHeader& header, Generation generation, LogTime created) {
  const bool has_time = header.update_major >= kUpdateWithTimeRequired;
  header.gen_max_required = generation;
  header.time_gen_max_required = has_time ? created : LogTime{};
}

void set_newest_log(DatabaseHeader& header, Generation generation, LogTime created) {
  set_newest_required(header, generation, created);
  header.gen_max_committed = generation;
  header.time_gen_max_create = created;
}

}  // namespace stillframe::ese

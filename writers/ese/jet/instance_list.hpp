// Instances with their databases, as callers are given them: in one block of memory, which they
// give back as one.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "writers/ese/jet/answer.hpp"
#include "writers/ese/jet/jet_instance.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

struct ListedInstance {
  JET_INSTANCE handle;
  std::string name;
  std::vector<BytePath> databases{};
};

// With its databases if the caller is inside.
ListedInstance list_instance(JetInstance& instance, bool inside);

// One that does not run has no databases.
std::vector<ListedInstance> list_instances(const std::vector<std::shared_ptr<JetInstance>>& those);

// The list, then the pointers, then the text. Null without memory.
template <class Info>
Info* make_block(const std::vector<ListedInstance>& all) {
  using Char = std::remove_pointer_t<decltype(Info::szInstanceName)>;
  std::basic_string<Char> text;
  std::size_t paths = 0;
  for (const ListedInstance& each : all) {
    text += in_form<Char>(each.name) + Char{0};
    for (const BytePath& path : each.databases) text += in_form<Char>(path) + Char{0};
    paths += each.databases.size();
  }
  const std::size_t list_bytes = all.size() * sizeof(Info);
  void* block = std::calloc(1, list_bytes + 3 * paths * sizeof(Char*) + text.size() * sizeof(Char));
  if (block == nullptr) return nullptr;
  auto* infos = static_cast<Info*>(block);
  auto** pointer = reinterpret_cast<Char**>(infos + all.size());
  auto* next = reinterpret_cast<Char*>(pointer + 3 * paths);
  std::memcpy(next, text.data(), text.size() * sizeof(Char));
  const auto take = [&next](std::size_t length) {
    Char* const taken = next;
    next += length + 1;
    return taken;
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t count = all[i].databases.size();
    Char* const name = take(in_form<Char>(all[i].name).size());
    infos[i].hInstanceId = all[i].handle;
    infos[i].szInstanceName = all[i].name.empty() ? nullptr : name;
    infos[i].cDatabases = count;
    if (count == 0) continue;
    infos[i].szDatabaseFileName = pointer;
    infos[i].szDatabaseDisplayName = pointer + count;
    infos[i].szDatabaseSLVFileName = pointer + 2 * count;
    for (const BytePath& path : all[i].databases) *pointer++ = take(in_form<Char>(path).size());
    pointer += 2 * count;
  }
  return infos;
}

inline Error no_place_for_list() {
  return jet_error(JET_errInvalidParameter, "there is no place for the list");
}

template <class Info>
Answer give_instances(const std::vector<ListedInstance>& all, std::uint32_t* count, Info** list) {
  if (count == nullptr || list == nullptr) return no_place_for_list();
  *count = 0;
  *list = nullptr;
  if (all.empty()) return success();
  *list = make_block<Info>(all);
  if (*list == nullptr) return jet_error(JET_errOutOfMemory, "there is no memory for the list");
  *count = static_cast<std::uint32_t>(all.size());
  return success();
}

}  // namespace stillframe::ese::jet

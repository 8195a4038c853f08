#include "framework/io/open_files.hpp"

#include <sys/stat.h>

#include <stillframe/byte_path.hpp>

#include "framework/io/file.hpp"
#include "framework/io/walk.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kCommBytesMax = 64;

bool all_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

using Holds = std::function<bool(const std::string& link)>;

bool process_holds(const std::string& process, const Holds& holds) {
  for (const char* link : {"/cwd", "/root"}) {
    if (holds(process + link)) return true;
  }
  for (const char* directory : {"/fd", "/map_files"}) {
    auto open = open_directory(process + directory);
    if (!open.ok()) continue;  // ended meanwhile, or not ours to look at
    auto names = list_names(open.value().get());
    if (!names.ok()) continue;
    for (const auto& name : names.value()) {
      if (holds(process + directory + "/" + name)) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> process_ids() {
  auto proc = open_directory("/proc");
  if (!proc.ok()) return {};
  auto names = list_names(proc.value().get());
  if (!names.ok()) return {};
  std::vector<std::string> ids;
  for (auto& name : names.value()) {
    if (all_digits(name)) ids.push_back(std::move(name));
  }
  return ids;
}

std::string describe_process(const std::string& pid) {
  auto comm = read_file("/proc/" + pid + "/comm", kCommBytesMax);
  std::string name = comm.ok() ? std::move(comm).value() : "?";
  if (!name.empty() && name.back() == '\n') name.pop_back();
  return "process " + pid + " (" + escape_path(name) + ")";
}

std::string processes_that_hold(const Holds& holds, std::size_t names_max) {
  std::string text;
  std::size_t count = 0;
  for (const std::string& pid : process_ids()) {
    if (!process_holds("/proc/" + pid, holds)) continue;
    if (++count > names_max) return text + ", and more";
    text += (text.empty() ? "" : ", ") + describe_process(pid);
  }
  return text;
}

std::string holders_of_files(const std::set<FileIdentity>& files) {
  if (files.empty()) return {};
  return processes_that_hold([&](const std::string& link) {
    struct stat st {};
    return ::stat(link.c_str(), &st) == 0 && files.count({st.st_dev, st.st_ino}) != 0;
  });
}

}  // namespace stillframe

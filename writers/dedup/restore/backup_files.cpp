#include "writers/dedup/restore/backup_files.hpp"

#include <memory>

#include "writers/dedup/restore/codes.hpp"
#include "writers/dedup/restore/com_text.hpp"

namespace stillframe::dedup {

// Who made the callback in C gave it a table of methods, and no type that a check could find.
#define STILLFRAME_DEDUP_CALLS_BACK __attribute__((no_sanitize("vptr")))

namespace {

struct FreeTaskMemory {
  void operator()(DEDUP_CONTAINER_EXTENT* plan) const { CoTaskMemFree(plan); }
};

}  // namespace

STILLFRAME_DEDUP_CALLS_BACK
HRESULT BackupFiles::call_read(const BytePath& path, std::uint64_t offset, MutableBytes into,
                               std::size_t& got) {
  got = 0;
  if (ended_) return *ended_;
  const ComText name = ComText::of_path(path);
  std::uint32_t returned = 0;
  const HRESULT answer = callback_.ReadBackupFile(
      name.get(), static_cast<std::int64_t>(offset), static_cast<std::uint32_t>(into.size()),
      reinterpret_cast<std::uint8_t*>(into.data()), &returned, 0);
  if (FAILED(answer) && answer != kWin32HandleEof) return code_of_read(answer);
  if (returned > into.size()) return DDP_E_UNEXPECTED;
  got = returned;
  return S_OK;
}

HRESULT BackupFiles::read_some(const BytePath& path, std::uint64_t offset, MutableBytes into,
                               std::size_t& got) {
  if (const HRESULT hr = call_read(path, offset, into, got); FAILED(hr)) return hr;
  if (got == into.size()) return S_OK;
  // Nothing else says how long the file is: that it ends here is asked for twice, so that one read
  // that fell short is not taken for the end of the table.
  std::byte next;
  std::size_t more = 0;
  const HRESULT hr = call_read(path, offset + got, {&next, 1}, more);
  if (FAILED(hr)) return hr;
  return more == 0 ? S_OK : DDP_E_FILE_CORRUPT;
}

HRESULT BackupFiles::read(const BytePath& path, std::uint64_t offset, MutableBytes into) {
  std::size_t got = 0;
  const HRESULT hr = call_read(path, offset, into, got);
  return FAILED(hr) || got == into.size() ? hr : DDP_E_FILE_CORRUPT;
}

STILLFRAME_DEDUP_CALLS_BACK
HRESULT BackupFiles::read_container(const BytePath& path, std::span<DDP_FILE_EXTENT> to_come,
                                    MutableBytes into) {
  if (ended_) return *ended_;
  const ComText name = ComText::of_path(path);
  const HRESULT answer = callback_.PreviewContainerRead(
      name.get(), static_cast<std::uint32_t>(to_come.size()), to_come.data());
  if (FAILED(answer) && answer != E_NOTIMPL) {
    ended_ = answer;
    return answer;
  }
  return read(path, static_cast<std::uint64_t>(to_come.front().Offset), into);
}

STILLFRAME_DEDUP_CALLS_BACK
std::vector<DEDUP_CONTAINER_EXTENT> BackupFiles::order(const std::vector<BytePath>& containers) {
  if (ended_) return {};
  std::vector<ComText> names;
  std::vector<BSTR> texts;
  for (const BytePath& path : containers) {
    names.push_back(ComText::of_path(path));
    texts.push_back(names.back().get());
  }
  std::uint32_t entries = 0;
  DEDUP_CONTAINER_EXTENT* plan = nullptr;
  const HRESULT answer = callback_.OrderContainersRestore(static_cast<std::uint32_t>(texts.size()),
                                                          texts.data(), &entries, &plan);
  const std::unique_ptr<DEDUP_CONTAINER_EXTENT, FreeTaskMemory> owned(plan);
  if (FAILED(answer) && answer != E_NOTIMPL) ended_ = answer;
  if (FAILED(answer) || plan == nullptr) return {};
  return {plan, plan + entries};
}

}  // namespace stillframe::dedup

// What users of a deduplicated volume see: every file with its whole content, mounted at the
// volume's place while the file system below is mounted nowhere. A file that is not deduplicated is
// passed through.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include <sys/types.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "writers/dedup/volume/dedup_file.hpp"
#include "writers/dedup/volume/layout.hpp"

namespace stillframe::dedup {

// A view that is only read changes nothing below it either, so it may be of a snapshot.
enum class ViewAccess { read_and_write, read_only };

class View {
 public:
  // Shows the tree below `root` at `place`, a directory. When this process ends, however it does,
  // what is at `place` answers with an error, and never with bytes that are not the file's.
  // `report` is told why a file cannot be read or written, of which users get a number only; it
  // must not use the view. `source` is what the table of mounts says that is shown.
  static Result<std::unique_ptr<View>> mount(Descriptor root, const BytePath& place,
                                             VolumeParts volume,
                                             std::function<void(const Error&)> report,
                                             const std::string& source = "stillframe",
                                             ViewAccess access = ViewAccess::read_and_write);
  virtual ~View() = default;  // unmounts

  // Answers until the view is unmounted, by stop() or by anybody.
  virtual Status run() = 0;
  virtual void stop() = 0;  // any thread

  // The files of the volume may be used by other threads only inside `work`: meanwhile nobody
  // reads or writes.
  virtual void exclusively(const std::function<void()>& work) = 0;
  // For whoever optimizes: the file at `path` below the root, open as the view has it, until the
  // next call. Inside exclusively().
  virtual Result<DedupFile*> open_file(const BytePath& path) = 0;

  // What users have open, of a file that open_file() has not. Inside exclusively().
  enum class Use { closed, read, written };
  virtual Use use_of(dev_t device, ino_t number) const = 0;
  // The deduplicated files that users have open, or can open although their last name is gone.
  // Inside exclusively(). An error: of one it cannot be told whether it is deduplicated.
  virtual Result<std::set<FileId>> in_use() const = 0;
  // Makes durable what was written to deduplicated files that are open. Inside exclusively().
  virtual Status settle() = 0;
};

}  // namespace stillframe::dedup

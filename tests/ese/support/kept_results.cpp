#include "tests/ese/support/kept_results.hpp"

#include <cstdlib>
#include <fstream>
#include <vector>

namespace stillframe::ese::tests {

namespace {

constexpr std::uint64_t kOneIn = 100;

}  // namespace

KeptResults::KeptResults() {
  if (const char* folder = std::getenv("STILLFRAME_KEEP_RESULTS")) folder_ = folder;
}

void KeptResults::keep(Files& files, const BytePath& database, bool always) {
  const std::uint64_t number = seen_++;
  if (!folder_ || (number % kOneIn != 0 && !always)) return;
  const auto file = files.open(database, FileAccess::read);
  ASSERT_TRUE(file.ok()) << file.error().what();
  std::vector<std::byte> bytes(file.value()->size().value());
  const Status read = file.value()->read(0, bytes);
  ASSERT_TRUE(read.ok()) << read.error().what();
  const std::string path = *folder_ + "/" + std::to_string(number) + ".edb";
  std::ofstream copy(path, std::ios::binary);
  copy.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(copy.flush()) << "cannot write " << path;
}

}  // namespace stillframe::ese::tests

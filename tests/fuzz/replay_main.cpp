// Puts a fuzz target through its committed corpus where libFuzzer is not linked in: each file as it
// is, cut short, and with single bits flipped. Deterministic, so a failure replays by running it
// again; the input under way is named on stderr when the target aborts.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// Enough for every cut and flip of the small files a corpus should hold; larger files are sampled
// at even distances.
constexpr std::size_t kCutsPerFileMax = 1024;
constexpr std::size_t kFlipsPerFileMax = 4096;

// What runs now, kept ready as text because a signal handler may not format.
char g_under_way[4352];
volatile std::sig_atomic_t g_under_way_bytes = 0;

void name_input(const std::string& file, const char* change, std::size_t where) {
  int n = std::snprintf(g_under_way, sizeof g_under_way, "fuzz replay: failed on %s, %s %zu\n",
                        file.c_str(), change, where);
  g_under_way_bytes = std::min(n, static_cast<int>(sizeof g_under_way) - 1);
}

extern "C" void report_and_die(int signal) {
  [[maybe_unused]] ssize_t written =
      ::write(STDERR_FILENO, g_under_way, static_cast<std::size_t>(g_under_way_bytes));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// An exact-size heap block, so that the address sanitizer sees a read one byte past the input.
void run(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> exact(data, data + size);
  exact.shrink_to_fit();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::size_t replay(const std::string& file, std::vector<std::uint8_t> bytes) {
  name_input(file, "unchanged, bytes:", bytes.size());
  run(bytes.data(), bytes.size());
  std::size_t inputs = 1;

  const std::size_t cut_step = bytes.size() / kCutsPerFileMax + 1;
  for (std::size_t keep = 0; keep < bytes.size(); keep += cut_step, ++inputs) {
    name_input(file, "cut to bytes:", keep);
    run(bytes.data(), keep);
  }

  const std::size_t bits = bytes.size() * 8;
  // Odd, so that the sampled flips visit every bit position of a byte.
  const std::size_t flip_step = (bits / kFlipsPerFileMax) | 1;
  for (std::size_t bit = 0; bit < bits; bit += flip_step, ++inputs) {
    name_input(file, "with this bit flipped:", bit);
    const auto mask = static_cast<std::uint8_t>(1u << (bit % 8));
    bytes[bit / 8] ^= mask;
    run(bytes.data(), bytes.size());
    bytes[bit / 8] ^= mask;
  }
  return inputs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
    std::signal(signal, report_and_die);
  }

  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());

  std::size_t inputs = 0;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) {
      std::fprintf(stderr, "fuzz replay: cannot read %s\n", file.c_str());
      return 1;
    }
    inputs += replay(file.string(), {text.begin(), text.end()});
  }
  std::printf("%zu files, %zu inputs\n", files.size(), inputs);
  return inputs == 0 ? 1 : 0;
}

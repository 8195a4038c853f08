// How fast pages are verified, as a share of what one core reads from memory at best. The goal is a
// third (docs/formats/checksums.md says what is computed).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <vector>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/checksum_isa.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::ese;

constexpr std::size_t kBytes = std::size_t{256} << 20;  // far beyond any cache
constexpr int kRounds = 5;

// The best of some rounds in GB/s: what else the machine does only makes one slower.
template <class Sweep>
double best_of(const Sweep& sweep) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    sweep();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(kBytes) / took.count() / 1e9);
  }
  return best;
}

volatile std::uint64_t sink = 0;  // keeps sums from being left out

std::vector<const ChecksumLoops*> all_loops() {
  std::vector<const ChecksumLoops*> all{&portable_checksum_loops()};
  if (const ChecksumLoops* loops = avx2_checksum_loops()) all.push_back(loops);
  if (const ChecksumLoops* loops = avx512_checksum_loops()) all.push_back(loops);
  return all;
}

}  // namespace

int main() {
  std::vector<std::byte> memory(kBytes);
  std::mt19937_64 random(1);
  for (std::size_t at = 0; at < kBytes; at += 8) store_le(memory.data() + at, random());

  std::printf("chosen here: %s\n", checksum_loops().name);
  double sweep = 0;
  for (const ChecksumLoops* loops : all_loops()) {
    const double one = best_of([&] { sink = sink + loops->xor_words(memory.data(), kBytes); });
    std::printf("read sweep, %-8s          %6.1f GB/s\n", loops->name, one);
    sweep = std::max(sweep, one);
  }
  for (const std::size_t page : {4096, 8192, 32768}) {
    const std::size_t each = page / checksum_blocks(page);
    for (const ChecksumLoops* loops : all_loops()) {
      const double one = best_of([&] {
        std::uint64_t sum = 0;
        for (std::size_t at = 0; at < kBytes; at += each) {
          sum ^= ecc_checksum(*loops, Bytes(memory).subspan(at, each), 1, at % page == 0);
        }
        sink = sink + sum;
      });
      std::printf("pages of %5zu, %-8s      %6.1f GB/s, %4.2f of the sweep\n", page, loops->name,
                  one, one / sweep);
    }
  }
  return 0;
}

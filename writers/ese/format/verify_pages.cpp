#include "writers/ese/format/verify_pages.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace stillframe::ese {

namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::size_t kFindingsAPageMax = 4;
constexpr unsigned kThreadsMax = 64;

// What the threads share.
struct Work {
  const PageSource& source;
  const VerifyOptions& options;
  PageSurvey& survey;
  std::atomic<std::uint64_t> next{0};  // page index
  std::atomic<bool> stop{false};
  std::mutex mutex;  // for what follows
  std::uint64_t done = 0;
  Status status = Ok{};
};

void judge(Work& work, std::uint64_t index, MutableBytes page, std::vector<BrokenPage>& findings) {
  const Pgno pgno{static_cast<std::uint32_t>(index + 1)};
  PageFacts& facts = work.survey.pages[index];
  facts.sum = check_and_correct_page(page, static_cast<std::uint32_t>(pgno));
  if (facts.sum == PageSum::zero || facts.sum == PageSum::bad) return;
  const PageView view(page);
  facts.objid = view.objid();
  facts.flags = view.flags();
  std::vector<PageFinding> broken = check_page(page, pgno);
  facts.breaks_rules = !broken.empty();
  for (std::size_t i = 0; i < std::min(broken.size(), kFindingsAPageMax); ++i) {
    findings.push_back({pgno, std::move(broken[i])});
  }
}

void report_progress(Work& work, std::uint64_t count, std::vector<BrokenPage>& findings) {
  const std::lock_guard lock(work.mutex);
  work.done += count;
  auto& all = work.survey.findings;
  std::move(findings.begin(), findings.end(), std::back_inserter(all));
  findings.clear();
  if (work.options.progress) {
    work.options.progress("pages", work.done, work.survey.pages.size());
  }
}

void run(Work& work) {
  const std::size_t each = work.source.page_bytes();
  std::vector<std::byte> buffer(kReadBytes);
  std::vector<BrokenPage> findings;
  while (!work.stop) {
    const std::uint64_t first = work.next.fetch_add(kReadBytes / each);
    if (first >= work.survey.pages.size()) return;
    const std::uint64_t count =
        std::min<std::uint64_t>(kReadBytes / each, work.survey.pages.size() - first);
    const MutableBytes pages = MutableBytes(buffer).first(count * each);
    Status read = work.source.read_pages(Pgno{static_cast<std::uint32_t>(first + 1)}, pages);
    if (!read.ok()) {
      const std::lock_guard lock(work.mutex);
      work.status = std::move(read);
      work.stop = true;
      return;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      judge(work, first + i, pages.subspan(i * each, each), findings);
    }
    report_progress(work, count, findings);
  }
}

}  // namespace

Result<PageSurvey> survey_pages(const PageSource& source, const VerifyOptions& options) {
  PageSurvey survey;
  survey.pages.resize(static_cast<std::uint32_t>(source.last_page()));
  Work work{source, options, survey, {}, {}, {}, 0, Ok{}};
  const unsigned wanted =
      options.threads != 0 ? options.threads : std::thread::hardware_concurrency();
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < std::clamp(wanted, 1U, kThreadsMax); ++i) {
      threads.emplace_back([&work] { run(work); });
    }
    run(work);
  }
  if (!work.status.ok()) return work.status.error();
  std::sort(survey.findings.begin(), survey.findings.end(),
            [](const BrokenPage& a, const BrokenPage& b) { return a.pgno < b.pgno; });
  return survey;
}

}  // namespace stillframe::ese

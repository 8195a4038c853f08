// The files of a volume that a view shows, for jobs.
#pragma once

#include "writers/dedup/jobs/job_volume.hpp"
#include "writers/dedup/view/view.hpp"

namespace stillframe::dedup {

// Whatever the view has open is what a job gets. The view outlives it.
class ViewFiles final : public JobFiles {
 public:
  explicit ViewFiles(View& view) : view_(view) {}

  void exclusively(const std::function<void()>& work) override { view_.exclusively(work); }
  Result<DedupFile*> open(const BytePath& path) override { return view_.open_file(path); }
  Result<std::set<FileId>> in_use() const override { return view_.in_use(); }
  Use use_of(dev_t device, ino_t number) const override;
  Status settle() override { return view_.settle(); }

 private:
  View& view_;
};

}  // namespace stillframe::dedup

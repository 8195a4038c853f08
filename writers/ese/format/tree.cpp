#include "writers/ese/format/tree.hpp"

#include "writers/ese/format/checksum.hpp"

namespace stillframe::ese {

std::string page_text(const PageSource& source, Pgno pgno) {
  return "page " + std::to_string(static_cast<std::uint32_t>(pgno)) + " of '" +
         std::string(source.name()) + "'";
}

Status read_summed_page(const PageSource& source, Pgno pgno, MutableBytes to) {
  if (Status read = source.read_pages(pgno, to); !read.ok()) return read;
  switch (check_and_correct_page(to, static_cast<std::uint32_t>(pgno))) {
    case PageSum::zero:
      return ese_error(EseErr::page_not_initialized,
                       page_text(source, pgno) + " is needed but was never written");
    case PageSum::bad:
      return ese_error(EseErr::read_verify_failure,
                       page_text(source, pgno) + " has a wrong checksum; take it from a backup");
    case PageSum::good:
    case PageSum::corrected:
      break;
  }
  return Ok{};
}

Status read_checked_page(const PageSource& source, Pgno pgno, MutableBytes to) {
  if (Status read = read_summed_page(source, pgno, to); !read.ok()) return read;
  return check_page_structure(to, source.name(), pgno);
}

TreeCursor::TreeCursor(const PageSource& source, Pgno root, Objid objid)
    : source_(source), root_(root), objid_(objid), page_(source.page_bytes()) {}

Status TreeCursor::load(Pgno pgno) {
  at_end_ = true;
  if (Status read = read_checked_page(source_, pgno, page_); !read.ok()) return read;
  const PageView page(page_);
  if (page.objid() != objid_ || page.has(kPageEmpty) || page.has(kPagePreInit)) {
    return ese_error(EseErr::bad_page_link, page_text(source_, pgno) + " is linked to object " +
                                                std::to_string(static_cast<std::uint32_t>(objid_)) +
                                                " but is not a page of it");
  }
  pgno_ = pgno;
  return Ok{};
}

template <class Choose>
Status TreeCursor::descend(const Choose& choose) {
  leaves_left_ = static_cast<std::uint64_t>(source_.last_page());
  Pgno pgno = root_;
  for (std::size_t depth = 0; depth < kTreeDepthMax; ++depth) {
    if (Status read = load(pgno); !read.ok()) return read;
    const PageView page(page_);
    if (page.leaf()) return Ok{};
    if (page.lines() == 0) {
      return ese_error(EseErr::database_corrupted,
                       page_text(source_, pgno) + " is internal but leads nowhere");
    }
    pgno = page.child(choose(page));
  }
  return ese_error(EseErr::bad_page_link,
                   "the tree at " + page_text(source_, root_) + " has no leaves within reach");
}

Status TreeCursor::first() {
  const Status down = descend([](const PageView&) { return std::size_t{0}; });
  if (!down.ok()) return down;
  line_ = 0;
  return settle();
}

Status TreeCursor::seek(const KeyView& key) {
  const Status down = descend([&](const PageView& page) { return line_to_descend(page, key); });
  if (!down.ok()) return down;
  line_ = lower_bound_line(PageView(page_), key);
  return settle();
}

Status TreeCursor::next() {
  ++line_;
  return settle();
}

Status TreeCursor::settle() {
  for (;;) {
    const PageView page(page_);
    for (; line_ < page.lines(); ++line_) {
      if (!page.node(line_).deleted()) {
        at_end_ = false;
        return Ok{};
      }
    }
    const Pgno next = page.next(), here = pgno_;
    at_end_ = true;
    if (next == Pgno::null) return Ok{};
    if (leaves_left_-- == 0) {
      return ese_error(EseErr::bad_page_link,
                       "the leaves of the tree at " + page_text(source_, root_) + " go in circles");
    }
    if (Status read = load(next); !read.ok()) return read;
    if (PageView(page_).previous() != here || !PageView(page_).leaf()) {
      return ese_error(EseErr::bad_page_link, page_text(source_, next) + " does not link back to " +
                                                  page_text(source_, here));
    }
    line_ = 0;
  }
}

}  // namespace stillframe::ese

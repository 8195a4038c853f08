// link: stillframe_ese_format
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/page_check.hpp"
#include "writers/ese/format/page_editor.hpp"
#include "writers/ese/format/space.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::ese;

// Edits may be refused, but must leave a page that keeps the rules edits rely on.
void edit(std::vector<std::byte> bytes) {
  PageEditor page(bytes);
  const std::byte data[40] = {};
  (void)page.insert(page.view().lines() / 2, {0, Bytes(data).first(5), data, kNodeVersion});
  if (page.view().lines() > 0) {
    (void)page.replace_data(0, data);
    page.set_node_flags(0, kNodeDeleted);
    page.erase(page.view().lines() - 1);
  }
  page.compact();
  if (!check_page_for_editing(bytes, "fuzz", Pgno{1}).ok()) std::abort();
}

}  // namespace

// A page of the size that the first byte chooses, filled from both ends: header and bodies from the
// input's front, tags from its back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::vector<std::byte> page(std::size_t{2048} << data[0] % 5);
  const std::size_t used = size - 1 < page.size() ? size - 1 : page.size();
  const std::size_t front = used / 2, back = used - front;
  for (std::size_t i = 0; i < front; ++i) page[i] = std::byte{data[1 + i]};
  for (std::size_t i = 0; i < back; ++i)
    page[page.size() - back + i] = std::byte{data[1 + front + i]};

  (void)check_and_correct_page(page, 1);
  (void)check_page(page, Pgno{1});
  if (!check_page_structure(page, "fuzz", Pgno{1}).ok()) return 0;
  const PageView view(page);
  (void)decode_space_header(view.external_header());
  for (std::size_t line = 0; line < view.lines(); ++line) {
    const NodeView node = view.node(line);
    (void)lower_bound_line(view, node.key);
    (void)line_to_descend(view, node.key);
  }
  if (view.leaf() && check_page_for_editing(page, "fuzz", Pgno{1}).ok()) edit(page);
  return 0;
}

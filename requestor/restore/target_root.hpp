// The directory that a restore writes beneath, as a person or a document names it. Links on the way
// to it are followed, because data directories are moved that way, but none by which somebody who
// can write there would send the restore elsewhere.
#pragma once

#include "requestor/store/tree.hpp"

namespace stillframe::requestor {

enum class MissingRoot { is_an_error, is_made };

// A link of root's or of our own is followed. One of another user's is if it leads to a directory
// of that same user, who could have written there anyway; else access_denied names it. What is
// found is opened, and what is missing made, through no link at all.
Result<Tree> open_target_root(const BytePath& directory, MissingRoot missing);

// Makes what is missing of a path that no part of may be a link, and opens it.
Result<Tree> open_plain_root(const BytePath& directory, MissingRoot missing);

}  // namespace stillframe::requestor

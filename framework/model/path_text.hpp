// What a document's paths may look like and how they lie to each other, as text: nothing here looks
// at a disk. Taking paths apart for work on files is framework/base/path.hpp.
#pragma once

#include <string_view>

#include <stillframe/byte_path.hpp>

namespace stillframe {

// "/a//b/" becomes "/a/b"; "/" stays. Dots are not touched.
BytePath trim_slashes(std::string_view path);

// Whether it starts with a slash and has no "." or ".." element and no NUL: then its text alone
// says which place it names.
bool is_plain_absolute(std::string_view path) noexcept;

// One name in a directory: not empty, not "." or "..", no slash, no NUL.
bool is_plain_name(std::string_view name) noexcept;

// Whether `path` is `directory` or something in it, by whole elements: "/a/bc" is not beneath
// "/a/b".
bool is_beneath_or_equal(std::string_view path, std::string_view directory);

// What is left of `path` beneath `directory` ("" when they are equal). Only for paths that are
// beneath.
BytePath path_relative_to(std::string_view path, std::string_view directory);

}  // namespace stillframe

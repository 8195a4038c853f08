// Paths as strings of bytes: no file system is asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <stillframe/byte_path.hpp>

namespace stillframe {

// "/a/b" -> "/a"; "/a" -> "/"; "a" -> "."
BytePath parent_path(std::string_view path);
// "/a/b" -> "b"; "/" -> ""
BytePath last_component(std::string_view path);
// "a" + "b" -> "a/b"; an empty or "/" side adds nothing.
BytePath join_path(std::string_view base, std::string_view below);
// Repeated and trailing slashes and "." go away; ".." stays, because what it means depends on
// links.
BytePath tidy_path(std::string_view path);

// As a message shows it: 'escape_path(path)'.
std::string quoted_path(const BytePath& path);

// Whether `path` is `directory` or lies below it, by names. Both tidy and absolute.
bool is_within(std::string_view path, std::string_view directory);
// `path` relative to `directory` ("" when they are equal); nothing when it is not within.
std::optional<BytePath> path_below(std::string_view path, std::string_view directory);
// True for "", "a/b": no leading slash, no empty, "." or ".." component, no NUL.
bool is_safe_relative(std::string_view path);

}  // namespace stillframe

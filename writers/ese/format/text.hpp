// Text of databases as UTF-8.
#pragma once

#include <string>

#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

// Windows code page 1252, of which ASCII is a part. The five bytes it leaves open become U+FFFD.
std::string code_page_text(Bytes bytes);

// UTF-16, little-endian. Lone surrogates and a lone last byte become U+FFFD.
std::string unicode_text(Bytes bytes);

}  // namespace stillframe::ese

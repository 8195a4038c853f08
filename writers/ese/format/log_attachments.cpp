#include "writers/ese/format/log_attachments.hpp"

#include <algorithm>
#include <string_view>

#include "framework/base/utf8.hpp"
#include "writers/ese/format/layout.hpp"

namespace stillframe::ese {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

std::u16string utf16_units(std::string_view raw) {
  std::u16string units;
  for (std::size_t at = 0; at + 2 <= raw.size(); at += 2) {
    const auto low = static_cast<unsigned char>(raw[at]);
    const auto high = static_cast<unsigned char>(raw[at + 1]);
    if (low == 0 && high == 0) break;
    units.push_back(static_cast<char16_t>(low | high << 8));
  }
  return units;
}

std::string utf8_of(const std::u16string& units) {
  std::string out;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const char16_t unit = units[i];
    const bool leads = unit >= 0xD800 && unit < 0xDC00;
    const bool trails = unit >= 0xDC00 && unit < 0xE000;
    const bool paired =
        leads && i + 1 < units.size() && units[i + 1] >= 0xDC00 && units[i + 1] < 0xE000;
    if (paired) {
      append_utf8(out, 0x10000 + ((unit - char32_t{0xD800}) << 10) + (units[++i] - 0xDC00));
    } else {
      append_utf8(out, leads || trails ? kReplacement : unit);
    }
  }
  return out;
}

// The character that the sequence `bytes`, valid UTF-8, stands for.
char32_t decode_utf8(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (bytes.size() == 1) return lead;
  char32_t c = lead & (0xFFu >> (bytes.size() + 1));
  for (const char next : bytes.substr(1)) c = c << 6 | (static_cast<unsigned char>(next) & 0x3F);
  return c;
}

void append_unit(std::string& out, char32_t unit) {
  out.push_back(static_cast<char>(unit & 0xFF));
  out.push_back(static_cast<char>(unit >> 8));
}

void append_utf16(std::string& out, char32_t c) {
  if (c < 0x10000) {
    append_unit(out, c);
  } else {
    append_unit(out, 0xD800 + ((c - 0x10000) >> 10));
    append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
  }
}

std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string logged_path(std::string_view raw, bool utf16) {
  if (utf16) return utf8_of(utf16_units(raw));
  return std::string(raw.substr(0, std::min(raw.size(), raw.find('\0'))));
}

std::string to_logged_utf16(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t length = utf8_sequence_bytes(path);
    append_utf16(out, length == 0 ? kReplacement : decode_utf8(path.substr(0, length)));
    path.remove_prefix(std::max<std::size_t>(length, 1));
  }
  append_unit(out, 0);
  return out;
}

std::string Attachment::path() const {
  return logged_path(name, (entry.flags & AttachmentEntry::kUtf16) != 0);
}

Result<std::vector<Attachment>> decode_attachments(Bytes bytes, const Error& corrupt) {
  std::vector<Attachment> attachments;
  while (!bytes.empty() && bytes[0] != std::byte{0}) {
    if (bytes.size() < AttachmentEntry::kBytes) return corrupt;
    Attachment attachment{decode<AttachmentEntry>(bytes), {}};
    bytes = bytes.subspan(AttachmentEntry::kBytes);
    if (bytes.size() < attachment.entry.name_bytes) return corrupt;
    attachment.name = text_of(bytes.first(attachment.entry.name_bytes));
    bytes = bytes.subspan(attachment.entry.name_bytes);
    attachments.push_back(std::move(attachment));
  }
  return attachments;
}

bool encode_attachments(const std::vector<Attachment>& attachments, MutableBytes to) {
  std::size_t needed = 0;
  for (const Attachment& attachment : attachments) {
    needed += AttachmentEntry::kBytes + attachment.name.size();
  }
  if (needed > to.size()) return false;
  std::fill(to.begin(), to.end(), std::byte{0});
  for (const Attachment& attachment : attachments) {
    AttachmentEntry entry = attachment.entry;
    entry.name_bytes = static_cast<std::uint16_t>(attachment.name.size());
    encode(entry, to);
    to = to.subspan(AttachmentEntry::kBytes);
    std::copy_n(reinterpret_cast<const std::byte*>(attachment.name.data()), attachment.name.size(),
                to.begin());
    to = to.subspan(attachment.name.size());
  }
  return true;
}

}  // namespace stillframe::ese

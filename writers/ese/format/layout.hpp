// One table per structure, for reading, writing and showing it alike. A structure says where its
// fields lie in a static member
//
//   template <class Self, class Visitor> static void fields(Self& self, Visitor&& visit) {
//     visit(offset, "name", self.member);  // an integer, an enum, an array of them, a structure
//   }
//
// and how long it is in kBytes. Bytes that no field names are zero when written.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "framework/base/check.hpp"
#include "writers/ese/format/bytes.hpp"

namespace stillframe::ese {

template <class T>
concept Described = requires {
  T::kBytes;
};

template <class T>
inline constexpr bool kIsArray = false;
template <class T, std::size_t N>
inline constexpr bool kIsArray<std::array<T, N>> = true;

template <class T>
constexpr std::size_t bytes_of() {
  if constexpr (Described<T>) {
    return T::kBytes;
  } else if constexpr (kIsArray<T>) {
    return std::tuple_size_v<T> * bytes_of<typename T::value_type>();
  } else {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::byte>);
    return sizeof(T);
  }
}

class Decoder {
 public:
  explicit Decoder(Bytes bytes) : bytes_(bytes) {}

  template <class T>
  void operator()(std::size_t offset, std::string_view, T& value) const {
    if constexpr (Described<T>) {
      T::fields(value, Decoder(bytes_.subspan(offset, T::kBytes)));
    } else if constexpr (kIsArray<T>) {
      constexpr std::size_t each = bytes_of<typename T::value_type>();
      for (std::size_t i = 0; i < value.size(); ++i) (*this)(offset + i * each, {}, value[i]);
    } else {
      value = load_le<T>(bytes_.subspan(offset, sizeof(T)).data());
    }
  }

 private:
  Bytes bytes_;
};

class Encoder {
 public:
  explicit Encoder(MutableBytes bytes) : bytes_(bytes) {}

  template <class T>
  void operator()(std::size_t offset, std::string_view, const T& value) const {
    if constexpr (Described<T>) {
      T::fields(value, Encoder(bytes_.subspan(offset, T::kBytes)));
    } else if constexpr (kIsArray<T>) {
      constexpr std::size_t each = bytes_of<typename T::value_type>();
      for (std::size_t i = 0; i < value.size(); ++i) (*this)(offset + i * each, {}, value[i]);
    } else {
      store_le(bytes_.subspan(offset, sizeof(T)).data(), value);
    }
  }

 private:
  MutableBytes bytes_;
};

// `bytes` must hold all of the structure; callers that read files check that first.
template <Described T>
T decode(Bytes bytes) {
  STILLFRAME_CHECK(bytes.size() >= T::kBytes, "a structure is decoded from too few bytes");
  T value;
  T::fields(value, Decoder(bytes.first(T::kBytes)));
  return value;
}

template <Described T>
void encode(const T& value, MutableBytes to) {
  STILLFRAME_CHECK(to.size() >= T::kBytes, "a structure is encoded into too few bytes");
  std::fill_n(to.begin(), T::kBytes, std::byte{0});
  T::fields(value, Encoder(to.first(T::kBytes)));
}

}  // namespace stillframe::ese

// A table as a cursor over its rows. Part of ese.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include <stillframe/ese/cursor.hpp>

namespace stillframe::jet {

// A row that is being written: set what it is to hold, then save(). What goes wrong on the way is
// said by save(), which then writes nothing. Without save() all is given up. Must not outlive its
// table.
class [[nodiscard]] RowWriter {
 public:
  RowWriter(detail::Cursor& cursor, std::uint32_t prep) : cursor_(&cursor) {
    Status begun = detail::status_of(JetPrepareUpdate(cursor.session(), cursor.table(), prep),
                                     "JetPrepareUpdate");
    if (begun.ok()) return;
    failure_ = begun.error();
    cursor_ = nullptr;  // there is nothing to give up: another may be writing
  }
  RowWriter(RowWriter&& other) noexcept
      : cursor_(std::exchange(other.cursor_, nullptr)), failure_(std::move(other.failure_)) {}
  RowWriter& operator=(RowWriter&&) = delete;
  ~RowWriter() {
    if (cursor_ != nullptr) {
      JetPrepareUpdate(cursor_->session(), cursor_->table(), JET_prepCancel);
    }
  }

  template <class T>
  RowWriter& set(Column<T> column, const std::type_identity_t<detail::View<T>>& value) {
    detail::Room room;
    const JET_GRBIT how = detail::ColumnType<T>::kFixed ? 0 : JET_bitSetZeroLength;
    return put(column, detail::ColumnType<T>::encode(value, room), how);
  }
  template <class T>
  RowWriter& set_null(Column<T> column) {
    return put(column, {}, 0);
  }
  // More at the end of a long value.
  template <class T>
  RowWriter& append(Column<T> column, const std::type_identity_t<detail::View<T>>& more) {
    detail::Room room;
    return put(column, detail::ColumnType<T>::encode(more, room), JET_bitSetAppendLV);
  }

  // As it will be; of a counted column, what the engine has given it.
  template <class T>
  Result<detail::Value<T>> get(Column<T> column) {
    if (failure_) return *failure_;
    if (cursor_ == nullptr) return done();
    return cursor_->retrieve_value(column, JET_bitRetrieveCopy);
  }

  // After a refusal (a duplicate key) it can be set otherwise and saved again.
  Status save() {
    if (failure_) return *failure_;
    if (cursor_ == nullptr) return done();
    Status saved = detail::status_of(
        JetUpdate(cursor_->session(), cursor_->table(), nullptr, 0, nullptr), "JetUpdate");
    if (saved.ok()) cursor_ = nullptr;
    return saved;
  }

 private:
  static Error done() {
    return detail::error_of(JET_errUpdateNotPrepared, "the row is saved already");
  }

  template <class T>
  RowWriter& put(Column<T> column, std::string_view bytes, JET_GRBIT how) {
    if (failure_) return *this;
    if (cursor_ == nullptr) {
      failure_ = done();
      return *this;
    }
    Result<JET_COLUMNID> id = cursor_->id_of(column);
    Status set = Ok{};
    if (!id.ok()) {
      set = id.error();
    } else if (bytes.size() > UINT32_MAX) {
      set = detail::error_of(JET_errColumnTooBig, "a value of 4 GiB or more");
    } else {
      set = detail::status_of(
          JetSetColumn(cursor_->session(), cursor_->table(), id.value(), bytes.data(),
                       static_cast<std::uint32_t>(bytes.size()), how, nullptr),
          "JetSetColumn");
    }
    if (!set.ok()) failure_ = set.error().while_doing(std::string("setting ") + column.name());
    return *this;
  }

  detail::Cursor* cursor_;  // null when saved, refused or moved from
  std::optional<Error> failure_;
};

// The row on which its table stands: another one once the table moves. Must not outlive the table.
class Row {
 public:
  explicit Row(detail::Cursor& cursor) : cursor_(&cursor) {}

  // The value; not_found (1004) if it is null.
  template <class T>
  Result<detail::Value<T>> get(Column<T> column) const {
    return cursor_->retrieve_value(column, 0);
  }
  // Several at once.
  template <class A, class B, class... More>
  Result<std::tuple<detail::Value<A>, detail::Value<B>, detail::Value<More>...>> get(
      Column<A> a, Column<B> b, Column<More>... more) const {
    Result<detail::Value<A>> first = get(a);
    if (!first.ok()) return first.error();
    auto rest = rest_of(b, more...);
    if (!rest.ok()) return rest.error();
    return std::tuple_cat(std::tuple(std::move(first).value()), std::move(rest).value());
  }
  // Nothing if it is null.
  template <class T>
  Result<std::optional<detail::Value<T>>> find(Column<T> column) const {
    return cursor_->retrieve(column, 0);
  }
  // Some bytes of a long value from `offset` on: as many as there are and as `into` holds. How many
  // is returned; 0 behind its end and if it is null.
  template <class T>
  Result<std::size_t> read(Column<T> column, std::uint32_t offset, std::span<char> into) const {
    Result<JET_COLUMNID> id = cursor_->id_of(column);
    if (!id.ok()) return id.error();
    JET_RETINFO where{sizeof where, offset, 1, 0};
    std::uint32_t size = 0;  // from `offset` to the end
    const auto room = static_cast<std::uint32_t>(std::min<std::size_t>(into.size(), INT32_MAX));
    const JET_ERR err = JetRetrieveColumn(cursor_->session(), cursor_->table(), id.value(),
                                          into.data(), room, &size, 0, &where);
    if (err == JET_wrnColumnNull) return std::size_t{0};
    if (Status s = detail::status_of(err, "JetRetrieveColumn"); !s.ok()) return s.error();
    return std::size_t{std::min(size, room)};
  }

  // To write it anew: what is not set stays.
  RowWriter update() const { return RowWriter(*cursor_, JET_prepReplace); }
  // The table then stands where the row was.
  Status remove() const {
    return detail::status_of(JetDelete(cursor_->session(), cursor_->table()), "JetDelete");
  }

 private:
  template <class T>
  Result<std::tuple<detail::Value<T>>> rest_of(Column<T> column) const {
    Result<detail::Value<T>> value = get(column);
    if (!value.ok()) return value.error();
    return std::tuple<detail::Value<T>>(std::move(value).value());
  }
  template <class A, class B, class... More>
  auto rest_of(Column<A> a, Column<B> b, Column<More>... more) const {
    return get(a, b, more...);
  }

  detail::Cursor* cursor_;
};

// To go through with a range-for, which moves the table. It ends early when a row cannot be had:
// ask status() after it.
class [[nodiscard]] Rows {
 public:
  class Iterator {
   public:
    explicit Iterator(Rows& rows) : rows_(&rows) {}
    Row operator*() const { return Row(*rows_->cursor_); }
    Iterator& operator++() {
      rows_->arrive(rows_->cursor_->move(JET_MoveNext));
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return !rows_->on_a_row_; }

   private:
    Rows* rows_;
  };

  Rows(detail::Cursor& cursor, detail::KeyRange range)
      : cursor_(&cursor), range_(std::move(range)) {}

  Iterator begin() {
    arrive(cursor_->go_to_start(range_));
    return Iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }
  const Status& status() const { return status_; }

 private:
  void arrive(const Status& moved) {
    on_a_row_ = moved.ok();
    const JET_ERR err = moved.ok() ? JET_errSuccess : moved.error().application_code();
    const bool over = err == JET_errNoCurrentRecord || err == JET_errRecordNotFound;
    status_ = over ? Status(Ok{}) : moved;
  }

  detail::Cursor* cursor_;
  detail::KeyRange range_;
  Status status_ = Ok{};
  bool on_a_row_ = false;
};

// A cursor. Rows, ranges and writers are of the place where it stands, so it does one thing at a
// time; for another, open the table again. It is closed with its object, by the end of its session,
// and by the rollback of a transaction in which it was opened.
class Table {
 public:
  Table(JET_SESID session, JET_TABLEID table, std::string name)
      : cursor_(std::make_unique<detail::Cursor>(session, table, std::move(name))) {}

  RowWriter insert() { return RowWriter(*cursor_, JET_prepInsert); }

  // The row whose columns of the index are these; not_found (-1601) if there is none.
  template <class... Ts>
  Result<Row> seek(Index<Ts...> index, const std::type_identity_t<detail::View<Ts>>&... values) {
    if (Status s = cursor_->choose(index.name()); !s.ok()) return s.error();
    if (Status s = cursor_->make_key({detail::key_part<Ts>(values)...}, 0); !s.ok()) {
      return s.error();
    }
    return here(
        detail::status_of(JetSeek(cursor_->session(), cursor_->table(), JET_bitSeekEQ), "JetSeek"));
  }
  // All rows of the index that is current (at first the primary one), or of a range.
  Rows rows() { return Rows(*cursor_, {}); }
  Rows rows(detail::KeyRange range) { return Rows(*cursor_, std::move(range)); }

  // One row at a time; not_found (-1603) at the ends.
  Result<Row> first() { return outermost(JET_MoveFirst); }
  Result<Row> last() { return outermost(JET_MoveLast); }
  Result<Row> next() { return here(cursor_->move(JET_MoveNext)); }
  Result<Row> previous() { return here(cursor_->move(JET_MovePrevious)); }
  Result<Row> current() { return here(cursor_->move(0)); }

  // For calls of jet.h that this face does not have.
  JET_TABLEID handle() const noexcept { return cursor_->table(); }

 private:
  Result<Row> outermost(std::int32_t which) {
    if (Status s = cursor_->choose(nullptr); !s.ok()) return s.error();
    return here(cursor_->move(which));
  }
  Result<Row> here(const Status& moved) {
    if (!moved.ok()) return moved.error();
    return Row(*cursor_);
  }

  std::unique_ptr<detail::Cursor> cursor_;
};

}  // namespace stillframe::jet

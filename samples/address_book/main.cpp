// An address book: one table of an ESE database, whose files any tool that knows ESE can read.
//
//   address_book DIR add NAME EMAIL [NOTE]
//   address_book DIR list [BEGINNING]        by name; of names that begin so
//   address_book DIR show EMAIL
//   address_book DIR rename EMAIL NAME
//   address_book DIR remove EMAIL
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include <stillframe/ese/ese.hpp>

namespace jet = stillframe::jet;
using stillframe::Status;

namespace {

// [schema]
constexpr jet::Column<std::int32_t> kId{"id"};
constexpr jet::Column<std::string> kName{"name"};
constexpr jet::Column<std::string> kEmail{"email"};
constexpr jet::Column<jet::Date> kSince{"since"};
constexpr jet::Column<jet::LongText> kNote{"note"};

constexpr jet::Index<std::int32_t> kById{"by_id"};
constexpr jet::Index<std::string> kByEmail{"by_email"};
constexpr jet::Index<std::string, std::int32_t> kByName{"by_name"};

const jet::TableDefinition kPeople = jet::TableDefinition("people")
                                         .column(kId, jet::kCounted)
                                         .column(kName, jet::kNotNull)
                                         .column(kEmail, jet::kNotNull)
                                         .column(kSince)
                                         .column(kNote)
                                         .primary(kById, kId)
                                         .unique(kByEmail, kEmail)
                                         .index(kByName, kName, kId);
// [schema]

// [add]
Status add(jet::Session& session, jet::Table& people, const std::string& name,
           const std::string& email, const std::string& note) {
  auto transaction = session.begin();
  if (!transaction.ok()) return transaction.error();
  auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());

  jet::RowWriter person = people.insert();
  person.set(kName, name).set(kEmail, email).set(kSince, now);
  if (!note.empty()) person.set(kNote, note);
  if (Status s = person.save(); !s.ok()) return s;  // what was begun is taken back
  return transaction.value().commit();
}
// [add]

// [list]
Status list(jet::Table& people, const std::string& beginning) {
  jet::Rows rows = people.rows(kByName.starting_with(beginning));
  for (jet::Row person : rows) {
    auto columns = person.get(kId, kName, kEmail);
    if (!columns.ok()) return columns.error();
    auto& [id, name, email] = columns.value();
    std::printf("%d\t%s\t%s\n", id, name.c_str(), email.c_str());
  }
  return rows.status();
}
// [list]

// [show]
Status show(jet::Table& people, const std::string& email) {
  auto person = people.seek(kByEmail, email);
  if (!person.ok()) return person.error();
  auto name = person.value().get(kName);
  if (!name.ok()) return name.error();
  auto note = person.value().find(kNote);  // may be null
  if (!note.ok()) return note.error();
  std::printf("%s: %s\n", name.value().c_str(), note.value().value_or("nothing noted").c_str());
  return stillframe::Ok{};
}
// [show]

// [change]
Status rename(jet::Session& session, jet::Table& people, const std::string& email,
              const std::string& name) {
  auto transaction = session.begin();
  if (!transaction.ok()) return transaction.error();
  auto person = people.seek(kByEmail, email);
  if (!person.ok()) return person.error();
  if (Status s = person.value().update().set(kName, name).save(); !s.ok()) return s;
  return transaction.value().commit();
}

Status remove(jet::Session& session, jet::Table& people, const std::string& email) {
  auto transaction = session.begin();
  if (!transaction.ok()) return transaction.error();
  auto person = people.seek(kByEmail, email);
  if (!person.ok()) return person.error();
  if (Status s = person.value().remove(); !s.ok()) return s;
  return transaction.value().commit();
}
// [change]

// [open]
Status run(const std::string& folder, const std::string& verb, const std::string& first,
           const std::string& second, const std::string& third) {
  auto instance = jet::Instance::start("address_book", {.folder = folder, .log_file_kb = 128});
  if (!instance.ok()) return instance.error();
  auto session = instance.value().session();
  if (!session.ok()) return session.error();
  const std::string file = folder + "/people.edb";
  const bool there = std::filesystem::exists(file);
  auto database =
      there ? session.value().open_database(file) : session.value().create_database(file);
  if (!database.ok()) return database.error();
  auto people =
      there ? database.value().open_table("people") : database.value().create_table(kPeople);
  if (!people.ok()) return people.error();
  // [open]

  if (verb == "add") return add(session.value(), people.value(), first, second, third);
  if (verb == "list") return list(people.value(), first);
  if (verb == "show") return show(people.value(), first);
  if (verb == "rename") return rename(session.value(), people.value(), first, second);
  if (verb == "remove") return remove(session.value(), people.value(), first);
  return stillframe::Error(stillframe::Errc::invalid_argument, "there is no '" + verb + "'");
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int at) { return std::string(at < argc ? argv[at] : ""); };
  if (argc < 3) {
    std::fprintf(stderr, "usage: address_book DIR add | list | show | rename | remove ...\n");
    return 2;
  }
  const std::string folder = std::filesystem::absolute(argv[1]).string();
  const Status done = run(folder, argument(2), argument(3), argument(4), argument(5));
  if (done.ok()) return 0;
  const stillframe::Error& error = done.error();
  std::fprintf(stderr, "address_book: %s\n", error.what().c_str());
  return error.code() == stillframe::Errc::not_found ? 3 : 1;
}

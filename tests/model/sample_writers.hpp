// Two writers to select from: a library with a set in a set, and a shop.
#pragma once

#include <string>
#include <vector>

#include <stillframe/writer_metadata.hpp>

namespace stillframe::tests {

inline Component component(std::string path, std::string name, bool for_backup, bool for_restore,
                           std::vector<FileSet> files = {}) {
  Component c;
  c.name = {std::move(path), std::move(name)};
  c.selectable_for_backup = for_backup;
  c.selectable_for_restore = for_restore;
  c.files = std::move(files);
  return c;
}

inline FileSet file_set(BytePath path, BytePath pattern, bool recursive = false) {
  FileSet files;
  files.path = std::move(path);
  files.pattern = std::move(pattern);
  files.recursive = recursive;
  return files;
}

// Settings must go along with anything; Queue stands alone; Shelves heads a set in which Fiction
// can only come back alone, Science can also be backed up alone and brings its Catalogue.
inline WriterMetadata library_writer(const std::string& instance = "library-1") {
  WriterMetadata writer;
  writer.identity.class_id = WriterClassId::parse("11111111-2222-4333-8444-555555555555").value();
  writer.identity.name = "Library";
  writer.identity.instance_name = instance;
  writer.instance = WriterInstanceId::generate();
  writer.components = {
      component("", "Settings", false, false, {file_set("/etc/library", "*.conf")}),
      component("", "Queue", true, false, {file_set("/var/spool/library", "*", true)}),
      component("", "Shelves", true, false),
      component("Shelves", "Fiction", false, true, {file_set("/srv/library/fiction", "*", true)}),
      component("Shelves", "Science", true, true, {file_set("/srv/library/science", "*.vol")}),
      component("Shelves/Science", "Catalogue", false, false,
                {file_set("/srv/library/catalogue", "index")}),
  };
  return writer;
}

inline WriterMetadata shop_writer() {
  WriterMetadata writer;
  writer.identity.class_id = WriterClassId::parse("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee").value();
  writer.identity.name = "Shop";
  writer.identity.instance_name = "shop-1";
  writer.instance = WriterInstanceId::generate();
  writer.components = {component("", "Orders", true, false, {file_set("/srv/shop", "*.db")})};
  return writer;
}

}  // namespace stillframe::tests

// A store in a temporary directory, and small helpers to fill and inspect it.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "framework/base/sha256.hpp"
#include "framework/io/file.hpp"
#include "requestor/store/backup_set.hpp"
#include "requestor/store/set_builder.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::requestor::tests {

struct StoreFixture : ::testing::Test {
  stillframe::tests::TemporaryDirectory temporary{"stillframe-store"};
  const std::string store = temporary.path() + "/store";

  // A manifest with one file per (path, content), whose data the builder is given.
  static Status add_file(SetBuilder& builder, BackupManifest& manifest, const BytePath& path,
                         const std::string& content) {
    auto data = builder.create_data(path);
    if (!data.ok()) return data.error();
    if (Status s = write_all(data.value().get(), content, path); !s.ok()) return s;
    ManifestFile file;
    file.path = path;
    file.components = {0};
    file.size = content.size();
    file.sha256 = sha256_hex(content);
    file.attributes.mode = 0640;
    manifest.files.push_back(std::move(file));
    return Ok{};
  }

  static BackupManifest manifest_for(const BackupId& backup) {
    BackupManifest manifest;
    manifest.backup = backup;
    manifest.session = SessionId::generate();
    manifest.type = BackupType::full;
    manifest.host = "test";
    manifest.created = WallTime(std::chrono::seconds(1'800'000'000));
    ManifestComponent component;
    component.writer_class = WriterClassId::generate();
    component.instance_name = "orders";
    component.name = {"", "db"};
    component.succeeded = true;
    manifest.components.push_back(component);
    return manifest;
  }

  static void add_documents(SetBuilder& builder, const BackupManifest& manifest) {
    BackupDocument document;
    document.backup = manifest.backup;
    builder.add_document("backup", "documents/backup.json", stillframe::to_json(document));
    builder.add_document("evidence", "documents/evidence.json", stillframe::to_json(Evidence{}));
  }

  // The folder of a published set with files /srv/a and /srv/deep/b.
  std::string publish_example(const BackupId& backup = BackupId::generate()) {
    auto builder = SetBuilder::begin(store, backup);
    EXPECT_TRUE(builder.ok()) << builder.error().what();
    BackupManifest manifest = manifest_for(backup);
    EXPECT_TRUE(add_file(*builder.value(), manifest, "/srv/deep/b", "content of b").ok());
    EXPECT_TRUE(add_file(*builder.value(), manifest, "/srv/a", "content of a").ok());
    add_documents(*builder.value(), manifest);
    auto receipt = builder.value()->publish(std::move(manifest));
    EXPECT_TRUE(receipt.ok()) << receipt.error().what();
    return builder.value()->final_path();
  }

  static void overwrite(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::trunc) << content;
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Names in the store's folder, hidden ones too.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    if (!std::filesystem::exists(store)) return all;
    for (const auto& entry : std::filesystem::directory_iterator(store)) {
      all.push_back(entry.path().filename());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
};

}  // namespace stillframe::requestor::tests

// The interface itself: arguments, references, strings.
#include <thread>

#include "tests/dedup/restore/restore_fixture.hpp"
#include "writers/dedup/restore/codes.hpp"

namespace stillframe::dedup {
namespace {

struct Release {
  void operator()(IDedupBackupSupport* support) const { support->Release(); }
};

class DdpInterface : public tests::RestoreTest {
 protected:
  // The target becomes the object's.
  void make_support() {
    auto target = std::make_unique<tests::MemoryTarget>();
    *target = target_;
    support_.reset(make_backup_support(std::move(target)));
  }
  HRESULT call(const std::vector<std::string>& paths, HRESULT* results, std::uint32_t flags = 1) {
    std::vector<ComText> names;
    std::vector<BSTR> texts;
    for (const std::string& path : paths) {
      names.push_back(ComText::of_path(path));
      texts.push_back(names.back().get());
    }
    return support_->RestoreFiles(static_cast<std::uint32_t>(texts.size()), texts.data(),
                                  &callback_, flags, results);
  }
  std::unique_ptr<IDedupBackupSupport, Release> support_;
};

TEST_F(DdpInterface, ArgumentsAreCheckedBeforeAnyCallback) {
  add("a", random(1000));
  back_up();
  make_support();
  HRESULT result = 77;
  const ComText name = ComText::of_path("/a");
  BSTR text = name.get();
  EXPECT_EQ(support_->RestoreFiles(0, &text, &callback_, 1, &result), E_INVALIDARG);
  EXPECT_EQ(support_->RestoreFiles(1, nullptr, &callback_, 1, &result), E_INVALIDARG);
  EXPECT_EQ(support_->RestoreFiles(1, &text, nullptr, 1, &result), E_INVALIDARG);
  for (const std::uint32_t flags : {0u, unsigned{DEDUP_RECONSTRUCT_OPTIMIZED}, 3u, 1u << 31}) {
    EXPECT_EQ(support_->RestoreFiles(1, &text, &callback_, flags, &result), E_INVALIDARG);
  }
  EXPECT_EQ(result, 77);
  EXPECT_TRUE(callback_.calls.empty());
}

TEST_F(DdpInterface, TenThousandAndOneFilesAreRefused) {
  add("a", random(1000));
  back_up();
  make_support();
  std::vector<HRESULT> results(10'001, 77);
  EXPECT_EQ(call(std::vector<std::string>(10'001, "/a"), results.data()), E_INVALIDARG);
  EXPECT_EQ(results.front(), 77);
  EXPECT_TRUE(callback_.calls.empty());
  EXPECT_EQ(call(std::vector<std::string>(10'000, "/a"), results.data()), S_OK);
  EXPECT_EQ(std::count(results.begin(), results.begin() + 10'000, S_OK), 10'000);
  EXPECT_EQ(results.back(), 77);
}

TEST_F(DdpInterface, ResultsNeedNotBeWanted) {
  add("a", random(1000));
  back_up();
  make_support();
  EXPECT_EQ(call({"/a"}, nullptr), S_OK);
  EXPECT_EQ(call({"/gone"}, nullptr), DDP_E_NOT_FOUND);
}

TEST_F(DdpInterface, OneFileThatIsNotDeduplicatedIsSFalse) {
  add_plain("a", random(1000));
  back_up();
  make_support();
  HRESULT result = 77;
  EXPECT_EQ(call({"/a"}, &result), S_FALSE);
  EXPECT_EQ(result, S_FALSE);
}

TEST_F(DdpInterface, WhatIsNoPathFromTheRootIsNotFound) {
  add("a", random(1000));
  back_up();
  make_support();
  for (const char* path : {"a", "", "/", "//a", "/../a", "/./a", "/a/"}) {
    HRESULT result = 77;
    EXPECT_EQ(call({path}, &result), DDP_E_NOT_FOUND) << path;
    EXPECT_EQ(result, DDP_E_NOT_FOUND);
  }
  BSTR none[] = {nullptr, SysAllocString(u"/\xD800"), SysAllocString(u"/\\q")};
  HRESULT results[3];
  EXPECT_EQ(support_->RestoreFiles(3, none, &callback_, 1, results), DDP_E_NOT_FOUND);
  for (BSTR each : none) SysFreeString(each);
  EXPECT_TRUE(callback_.calls.empty());
}

TEST_F(DdpInterface, AnObjectIsOfItsInterfacesAndCounted) {
  make_support();
  void* object = nullptr;
  EXPECT_EQ(support_->QueryInterface(IID_IDedupBackupSupport, &object), S_OK);
  EXPECT_EQ(object, support_.get());
  EXPECT_EQ(support_->QueryInterface(IID_IUnknown, &object), S_OK);
  EXPECT_EQ(support_->AddRef(), 4u);
  for (std::uint32_t left : {3u, 2u, 1u}) EXPECT_EQ(support_->Release(), left);
  EXPECT_EQ(support_->QueryInterface(IID_IDedupReadFileCallback, &object), E_NOINTERFACE);
  EXPECT_EQ(object, nullptr);
  EXPECT_EQ(support_->QueryInterface(IID_IUnknown, nullptr), E_POINTER);
}

TEST_F(DdpInterface, OfAVolumeThatIsNotThereThereIsNone) {
  IDedupBackupSupport* support = nullptr;
  EXPECT_EQ(CreateDedupBackupSupport("/nowhere/at/all", &support), HRESULT_FROM_WIN32(3));
  EXPECT_EQ(support, nullptr);
  EXPECT_EQ(CreateDedupBackupSupport("", &support), E_INVALIDARG);
  EXPECT_EQ(CreateDedupBackupSupport(nullptr, &support), E_INVALIDARG);
  EXPECT_EQ(CreateDedupBackupSupport("/", nullptr), E_POINTER);
}

// Each call has its own callback and files; the object has nothing that they share.
TEST_F(DdpInterface, CallsMayRunAtOnce) {
  add("a", random(100'000));
  add("b", random(100'000));
  back_up();
  make_support();
  tests::RecordingCallback other;
  other.files = callback_.files;
  HRESULT one = 77, two = 77;
  const auto run = [&](const char* path, IDedupReadFileCallback& store, HRESULT& result) {
    const ComText name = ComText::of_path(path);
    BSTR text = name.get();
    support_->RestoreFiles(1, &text, &store, 1, &result);
  };
  std::thread thread([&] { run("/a", other, one); });
  run("/b", callback_, two);
  thread.join();
  EXPECT_EQ(one, S_OK);
  EXPECT_EQ(two, S_OK);
}

TEST(DdpText, PathsComeBackFromAnyBytes) {
  for (const char* path :
       {"/a", "/\xc3\xa4/\xe2\x82\xac", "/\xf0\x9f\x98\x80", "/\xff\xfe", "/back\\slash\n", ""}) {
    const ComText text = ComText::of_path(path);
    EXPECT_EQ(path_of_text(text.get()).value(), path);
  }
  const ComText text = ComText::of_path("/\xf0\x9f\x98\x80");
  EXPECT_EQ(SysStringLen(text.get()), 3u);
  EXPECT_EQ(text.get()[3], u'\0');
}

TEST(DdpText, StringsKnowTheirLengthAndNoStringIsAnEmptyOne) {
  const BSTR text = SysAllocStringLen(u"a\0b", 3);
  EXPECT_EQ(SysStringLen(text), 3u);
  EXPECT_EQ(text[2], u'b');
  SysFreeString(text);
  EXPECT_EQ(SysStringLen(nullptr), 0u);
  EXPECT_EQ(SysAllocString(nullptr), nullptr);
  SysFreeString(nullptr);
}

TEST(DdpCodes, AnswersOfAProgramBecomeCodesOfFiles) {
  for (const HRESULT answer :
       {HRESULT_FROM_WIN32(2), HRESULT_FROM_WIN32(3), DDP_E_NOT_FOUND, DDP_E_PATH_NOT_FOUND}) {
    EXPECT_EQ(code_of_read(answer), DDP_E_PATH_NOT_FOUND);
  }
  EXPECT_EQ(code_of_read(HRESULT_FROM_WIN32(38)), DDP_E_FILE_CORRUPT);
  EXPECT_EQ(code_of_read(E_ACCESSDENIED), DDP_E_UNEXPECTED);
}

TEST(DdpCodes, NumbersAreThoseOfWindows) {
  EXPECT_EQ(static_cast<std::uint32_t>(DDP_E_FILE_CORRUPT), 0x80565355u);
  EXPECT_EQ(static_cast<std::uint32_t>(HRESULT_FROM_WIN32(2)), 0x80070002u);
  EXPECT_EQ(HRESULT_FROM_WIN32(0), S_OK);
  EXPECT_TRUE(SUCCEEDED(S_FALSE) && FAILED(DDP_E_JOB_COMPLETED_PARTIAL_SUCCESS));
  EXPECT_EQ(sizeof(DEDUP_CONTAINER_EXTENT), 24u);
  EXPECT_EQ(offsetof(DEDUP_CONTAINER_EXTENT, StartOffset), 8u);
  EXPECT_EQ(offsetof(DDP_FILE_EXTENT, Length), 0u);
}

}  // namespace
}  // namespace stillframe::dedup

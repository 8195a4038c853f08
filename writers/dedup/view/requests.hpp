// The requests of the kernel by name, as libfuse wants them: plain functions.
#pragma once

#include <climits>

#include "writers/dedup/view/operations.hpp"

namespace stillframe::dedup {

struct Requests {
  static Operations& of(fuse_req_t request) {
    return *static_cast<Operations*>(fuse_req_userdata(request));
  }
  static Inode& inode(fuse_req_t request, fuse_ino_t number) { return of(request).inode(number); }

  // ---- names and attributes: name_requests.cpp
  static void look_up(fuse_req_t request, fuse_ino_t parent, const char* name);
  static void forget(fuse_req_t request, fuse_ino_t number, std::uint64_t lookups);
  static void get_attributes(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle);
  static void set_attributes(fuse_req_t request, fuse_ino_t number, struct stat* wanted, int which,
                             fuse_file_info* handle);
  static void read_link(fuse_req_t request, fuse_ino_t number);
  static void make_node(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                        dev_t device);
  static void make_folder(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode);
  static void make_symlink(fuse_req_t request, const char* to, fuse_ino_t parent, const char* name);
  static void unlink(fuse_req_t request, fuse_ino_t parent, const char* name);
  static void remove_folder(fuse_req_t request, fuse_ino_t parent, const char* name);
  static void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
                     const char* new_name, unsigned int flags);
  static void link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent,
                   const char* new_name);
  static void describe_volume(fuse_req_t request, fuse_ino_t number);

  // ---- extended attributes: attribute_requests.cpp
  static void set_attribute(fuse_req_t request, fuse_ino_t number, const char* name,
                            const char* value, size_t size, int flags);
  static void get_attribute(fuse_req_t request, fuse_ino_t number, const char* name, size_t size);
  static void list_attributes(fuse_req_t request, fuse_ino_t number, size_t size);
  static void remove_attribute(fuse_req_t request, fuse_ino_t number, const char* name);

  // ---- contents: content_requests.cpp
  static void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                     fuse_file_info* handle);
  static void open(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle);
  static void read(fuse_req_t request, fuse_ino_t number, size_t bytes, off_t offset,
                   fuse_file_info* handle);
  static void write(fuse_req_t request, fuse_ino_t number, const char* from, size_t bytes,
                    off_t offset, fuse_file_info* handle);
  static void sync(fuse_req_t request, fuse_ino_t number, int data_only, fuse_file_info* handle);
  static void flush(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle);
  static void release(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle);
  static void allocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t bytes,
                       fuse_file_info* handle);
  static void open_folder(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle);
  static void read_folder(fuse_req_t request, fuse_ino_t number, size_t bytes, off_t offset,
                          fuse_file_info* handle);
  static void release_folder(fuse_req_t request, fuse_ino_t number, fuse_file_info* handle);
  static void sync_folder(fuse_req_t request, fuse_ino_t number, int data_only,
                          fuse_file_info* handle);

 private:
  static void reply_entry(fuse_req_t request, Inode& parent, const char* name);
  static int set_times(const Inode& inode, const struct stat& wanted, int which);
  static void make(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                   dev_t device, const char* link_to);
  static void remove(fuse_req_t request, fuse_ino_t parent, const char* name, int flags);
};

}  // namespace stillframe::dedup

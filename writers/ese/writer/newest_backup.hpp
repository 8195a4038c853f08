// Names the newest backup that the logs were cut for, in a file in the folder of the logs.
#pragma once

#include <string>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/writer/instance_host.hpp"

namespace stillframe::ese {

// Empty if none was made: a full backup is due.
std::string read_stamp(Files& files, const InstancePlaces& places);
// After a crash there is the old one or the new.
Status write_stamp(Files& files, const InstancePlaces& places, const std::string& stamp);
Status remove_stamp(Files& files, const InstancePlaces& places);

}  // namespace stillframe::ese

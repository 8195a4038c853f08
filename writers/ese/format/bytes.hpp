// Bytes and the integers in them, under the name by which this engine's files know them.
#pragma once

#include "framework/base/bytes.hpp"

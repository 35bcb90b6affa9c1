// SPDX-License-Identifier: BSD-2-Clause
// What one writes in an afternoon: std::unordered_map to ids, std::deque back, one std::shared_mutex over both.
#include "strings.h"
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

namespace {

struct self {
	std::shared_mutex mutex;
	std::unordered_map<std::string, uint32_t> ids;
	std::deque<std::string> strings;
};

void *open_self(unsigned max)
{
	self *at = new self;

	at->ids.reserve(max);
	return at;
}

void close_self(void *arg)
{
	delete static_cast<self *>(arg);
}

uint32_t intern(void *arg, const char *bytes, size_t length)
{
	self *at = static_cast<self *>(arg);
	std::unique_lock<std::shared_mutex> lock(at->mutex);
	auto inserted = at->ids.emplace(std::string(bytes, length), static_cast<uint32_t>(at->strings.size()));

	if (inserted.second)
		at->strings.emplace_back(bytes, length);
	return inserted.first->second;
}

uint32_t find(void *arg, const char *bytes, size_t length)
{
	self *at = static_cast<self *>(arg);
	std::shared_lock<std::shared_mutex> lock(at->mutex);
	auto found = at->ids.find(std::string(bytes, length));

	return found == at->ids.end() ? UINT32_MAX : found->second;
}

uint64_t get(void *arg, uint32_t id)
{
	self *at = static_cast<self *>(arg);
	std::shared_lock<std::shared_mutex> lock(at->mutex);
	const std::string &string = at->strings[id];

	return static_cast<uint64_t>(string[0]) + string.size();
}

}

extern "C" {
extern const lab_strings lab_strings_map;
const lab_strings lab_strings_map = { "std::unordered_map and shared_mutex", false, open_self, close_self, intern, find, get };
}

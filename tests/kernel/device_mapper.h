// SPDX-License-Identifier: Apache-2.0
// The few calls of Linux's device mapper that cutting power needs, without a process per call. A failed call ends the
// process: nothing can be tested then.
#ifndef JZSE_TESTS_KERNEL_DEVICE_MAPPER_H_
#define JZSE_TESTS_KERNEL_DEVICE_MAPPER_H_

#include <linux/dm-ioctl.h>

#include <cstdint>
#include <string>
#include <vector>

class DeviceMapper {
 public:
  DeviceMapper();
  ~DeviceMapper();
  DeviceMapper(const DeviceMapper&) = delete;
  DeviceMapper& operator=(const DeviceMapper&) = delete;

  // A device of one target over its whole length; the path of its block device.
  std::string Create(const std::string& name, uint64_t sectors, const char* target, const std::string& parameters);
  void Remove(const std::string& name);
  // Threads may send messages at once.
  void Message(const std::string& name, const std::string& message) const;

 private:
  // Sends `payload` behind the header; the header that came back.
  dm_ioctl Call(unsigned long request, const std::string& name, const std::string& payload, uint32_t target_count) const;
  int fd_;
};

#endif  // JZSE_TESTS_KERNEL_DEVICE_MAPPER_H_

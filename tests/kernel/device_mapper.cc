// SPDX-License-Identifier: Apache-2.0
#include "device_mapper.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ledger.h"

DeviceMapper::DeviceMapper() : fd_(open("/dev/mapper/control", O_RDWR | O_CLOEXEC)) {
  if (fd_ < 0) ledger::Die("no device mapper");
}

DeviceMapper::~DeviceMapper() { close(fd_); }

std::string DeviceMapper::Create(const std::string& name, uint64_t sectors, const char* target,
                                 const std::string& parameters) {
  const dm_ioctl created = Call(DM_DEV_CREATE, name, "", 0);
  dm_target_spec spec = {};
  spec.length = sectors;
  std::strncpy(spec.target_type, target, sizeof spec.target_type - 1);
  std::string table(reinterpret_cast<const char*>(&spec), sizeof spec);
  table += parameters;
  table.append(8 - table.size() % 8, '\0');
  Call(DM_TABLE_LOAD, name, table, 1);
  Call(DM_DEV_SUSPEND, name, "", 0);  // without the suspend flag it resumes: the table becomes active
  return "/dev/dm-" + std::to_string(minor(static_cast<dev_t>(created.dev)));
}

void DeviceMapper::Remove(const std::string& name) { Call(DM_DEV_REMOVE, name, "", 0); }

void DeviceMapper::Message(const std::string& name, const std::string& message) const {
  Call(DM_TARGET_MSG, name, std::string(sizeof(dm_target_msg), '\0') + message + '\0', 0);
}

dm_ioctl DeviceMapper::Call(unsigned long request, const std::string& name, const std::string& payload,
                            uint32_t target_count) const {
  std::vector<char> bytes(sizeof(dm_ioctl) + payload.size() + 1024);
  dm_ioctl header = {};
  header.version[0] = DM_VERSION_MAJOR;
  header.data_size = static_cast<uint32_t>(bytes.size());
  header.data_start = sizeof header;
  header.target_count = target_count;
  std::strncpy(header.name, name.c_str(), sizeof header.name - 1);
  for (int attempt = 0;; ++attempt) {
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, payload.data(), payload.size());
    if (ioctl(fd_, request, bytes.data()) == 0) break;
    if (errno != EBUSY || attempt == 200) {
      ledger::Die("device mapper: " + name + ": " + std::strerror(errno));
    }
    usleep(10000);  // an unmounted device is held a little longer
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

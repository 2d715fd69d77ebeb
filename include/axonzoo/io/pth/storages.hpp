#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/io/pickle.hpp>
#include <axonzoo/io/pth/contents.hpp>
#include <axonzoo/io/zip_file.hpp>

namespace axonzoo::detail {

/// What torch.save was given, and where the storages that it names begin.
struct pth_parts {
  pickle_document document;
  std::map<std::string, pth_storage> storages;
};

/// The storages that a pickle names, each with its count and bytes; they must be named alike everywhere.
struct storage_size {
  std::uint64_t count = 0, bytes = 0;
};
inline std::map<std::string, storage_size> named_storages(const pickle_document& document) {
  std::map<std::string, storage_size> sizes;
  for (const pickle_value& value : document.values) {
    const auto* storage = std::get_if<pickle_storage>(&value);
    if (storage == nullptr) continue;
    if (storage->count > std::uint64_t{1} << 59) throw unreadable("it names a storage of an absurd size");
    const storage_size size{storage->count, storage->count * storage->type->bytes};
    if (sizes.emplace(storage->key, size).first->second.bytes != size.bytes)
      throw unreadable("it names the storage '" + printable(storage->key) + "' with two sizes");
  }
  return sizes;
}

/// torch.save's .zip: NAME/data.pkl, NAME/byteorder (not in older files) and NAME/data/KEY for each storage.
inline pth_parts read_zip_storages(std::FILE* file, std::uint64_t file_bytes) {
  const zip_file zip(file, file_bytes);
  std::string folder;
  for (const zip_entry& entry : zip.entries()) {
    if (entry.name.ends_with("/data.pkl") && entry.name.find('/') == entry.name.size() - 9) {
      if (!folder.empty()) throw unreadable("it is a .zip with two files data.pkl");
      folder = entry.name.substr(0, entry.name.size() - 8);
    }
  }
  if (folder.empty()) throw unreadable("it is a .zip, but not of torch.save: it has no data.pkl", "give a file of weights");
  if (zip.find(folder + "constants.pkl") != nullptr)
    throw unreadable("it is a TorchScript program, not weights", "save its state dict with torch.save(model.state_dict(), path)");
  if (const zip_entry* order = zip.find(folder + "byteorder"); order != nullptr && zip.read(*order, 100) != "little")
    throw unreadable("it was written on a machine of the other byte order", "read it with Python's torch.load and save it again");
  pth_parts parts{read_pickle(zip.read(*zip.find(folder + "data.pkl"), longest_pickle)), {}};
  for (const auto& [key, size] : named_storages(parts.document)) {
    const std::uint64_t bytes = size.bytes;
    const zip_entry* entry = zip.find(folder + "data/" + key);
    if (entry == nullptr) throw unreadable("it lacks the storage '" + printable(key) + "' of its tensors");
    if (entry->bytes != bytes)
      throw unreadable("its storage '" + printable(key) + "' has " + std::to_string(entry->bytes) + " bytes instead of " +
                       std::to_string(bytes));
    parts.storages.emplace(key, pth_storage{key, entry->at, bytes, zip.has_checksums(), entry->crc});
  }
  return parts;
}

/// Before version 1.6: a magic number, the protocol, facts on the machine, what was saved and the keys of its storages, each a
/// pickle; then for each key its count (8 bytes) and its values.
inline pth_parts read_legacy_storages(std::FILE* file, std::uint64_t file_bytes) {
  std::string bytes(std::min(file_bytes, longest_pickle), '\0');
  read_at(file, 0, bytes.data(), bytes.size());
  std::uint64_t at = 0;
  const auto next = [&] {
    pickle_document document = read_pickle(std::string_view(bytes).substr(at));
    at += document.length;
    return document;
  };
  const pickle_document magic = next();
  const auto* number = magic.get<pickle_long>(magic.root);
  if (number == nullptr || number->bytes != std::string_view("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10))
    throw unreadable("it is a pickle, but not of torch.save", "give a file of weights");
  const pickle_document protocol = next();
  const auto* version = protocol.get<std::int64_t>(protocol.root);
  if (version == nullptr || *version != 1001) throw unreadable("it is of an unknown version of torch.save");
  const pickle_document machine = next();
  if (const auto* facts = machine.get<pickle_dict>(machine.root)) {
    for (const auto& [key, value] : facts->items) {
      const auto* word = machine.get<pickle_text>(key);
      const auto* little = machine.get<bool>(value);
      if (word != nullptr && word->utf8 == "little_endian" && little != nullptr && !*little)
        throw unreadable("it was written on a machine of the other byte order",
                         "read it with Python's torch.load and save it again");
    }
  }
  pth_parts parts{next(), {}};
  const auto sizes = named_storages(parts.document);
  const pickle_document keys = next();
  const auto* list = keys.get<pickle_sequence>(keys.root);
  if (list == nullptr) throw unreadable("it lacks the list of its storages");
  for (const pickle_place place : list->items) {
    const auto* key = keys.get<pickle_text>(place);
    const auto size = key == nullptr ? sizes.end() : sizes.find(key->utf8);
    if (size == sizes.end()) throw unreadable("it has a storage that no tensor names");
    std::uint64_t count = 0;
    if (file_bytes - at < sizeof count) throw unreadable("it is cut short within its storages");
    read_at(file, at, &count, sizeof count);
    at += sizeof count;
    const std::uint64_t length = size->second.bytes;
    if (count != size->second.count) throw unreadable("its storage '" + printable(key->utf8) + "' has two sizes");
    if (length > file_bytes - at) throw unreadable("it is cut short within its storages");
    if (!parts.storages.emplace(key->utf8, pth_storage{key->utf8, at, length}).second)
      throw unreadable("it has the storage '" + printable(key->utf8) + "' twice");
    at += length;
  }
  if (parts.storages.size() != sizes.size()) throw unreadable("it lacks a storage of its tensors");
  if (at != file_bytes) throw unreadable("it goes on after its last storage");
  return parts;
}

}  // namespace axonzoo::detail

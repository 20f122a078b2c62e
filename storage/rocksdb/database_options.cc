#include "storage/rocksdb/database_options.h"

#include <memory>

#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"

namespace innkeeper::storage::embedded {
namespace {

constexpr double kBloomBitsPerKey = 10;
constexpr double kMemtableBloomShare = 0.05;
constexpr int kMaxOpenFiles = 512;
constexpr size_t kMaxInfoLogBytes = 16 << 20;
constexpr size_t kInfoLogsKept = 4;

rocksdb::BlockBasedTableOptions MakeTableOptions(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Most preconditions are about keys that do not exist.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.whole_key_filtering = true;
  return table;
}

void SetRecovery(rocksdb::Options& options) {
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.paranoid_checks = true;
  // All column families reach table files together, so that the flushed head
  // tells what the write-ahead log must go on from.
  options.atomic_flush = true;
  // After an error of the disk the engine stops; nothing is to mend it behind
  // its back.
  options.max_bgerror_resume_count = 0;
}

void SetMemory(rocksdb::Options& options, std::shared_ptr<rocksdb::Cache> cache,
               size_t write_buffer_bytes) {
  options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(write_buffer_bytes, std::move(cache));
  // The manager decides when to flush; this only must not be in its way.
  options.write_buffer_size = write_buffer_bytes;
  options.memtable_prefix_bloom_size_ratio = kMemtableBloomShare;
  options.memtable_whole_key_filtering = true;
  options.max_open_files = kMaxOpenFiles;
}

}  // namespace

rocksdb::Options MakeRocksDbOptions(size_t block_cache_bytes, size_t write_buffer_bytes,
                                    rocksdb::Env* env) {
  rocksdb::Options options;
  if (env != nullptr) options.env = env;
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(block_cache_bytes);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(MakeTableOptions(cache)));
  SetRecovery(options);
  SetMemory(options, cache, write_buffer_bytes);
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  options.max_log_file_size = kMaxInfoLogBytes;
  options.keep_log_file_num = kInfoLogsKept;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

}  // namespace innkeeper::storage::embedded

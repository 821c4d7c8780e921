// Package record is a view of Kafka's RecordBatch, magic 2: its header is read and stamped in place, its CRC and counts are
// checked, its records are decoded only by those who must look inside. It never copies what it need not.
//
// A batch, big-endian, offsets in bytes (KIP-98; Kafka's DefaultRecordBatch):
//
//	 0        8            12                    16      17    21           23
//	 +--------+------------+---------------------+-------+-----+------------+-----------------+
//	 | base   | batch      | partition           | magic | CRC | attributes | last            |
//	 | offset | length     | leader epoch        | = 2   | 32C |            | offset delta    |
//	 | int64  | int32      | int32               | int8  | u32 | int16      | int32           |
//	 +--------+------------+---------------------+-------+-----+------------+-----------------+
//	27          35         43         51         53         57        61
//	 +-----------+----------+----------+----------+----------+---------+-----------------------+
//	 | base      | max      | producer | producer | base     | number  | records,              |
//	 | timestamp | timestamp| id       | epoch    | sequence | of      | compressed together   |
//	 | int64     | int64    | int64    | int16    | int32    | records | by the codec          |
//	 +-----------+----------+----------+----------+----------+---------+-----------------------+
//
// The batch length counts from byte 12. The CRC (Castagnoli) covers byte 21 to the end, so that a broker can assign the
// base offset and the leader epoch without computing it anew. Attributes: bits 0-2 codec, 3 timestamp type, 4
// transactional, 5 control, 6 the base timestamp is a delete horizon.
//
// A record; varints are zigzag, lengths of -1 say null:
//
//	length varint | attributes int8 | timestamp delta varlong | offset delta varint |
//	key length varint, key | value length varint, value |
//	number of headers varint, of each: key length varint, key, value length varint, value
//
// Codecs: gzip (RFC 1952), snappy (one block, or the chunks of snappy-java, called xerial), lz4 (frame format) and zstd
// (RFC 8878).
package record

// Package wire is Kafka's protocol as bytes: frames, headers, versions, requests in and responses out. It knows no
// broker: what a request means is said elsewhere.
//
// A connection carries frames in both directions, all integers big endian:
//
//	frame      = size:int32 content                                     size counts content only
//	request    = key:int16 version:int16 correlation:int32 client-id:nullable-string [tags] body
//	response   = correlation:int32 [tags] body
//	tags       = count:uvarint { tag:uvarint size:uvarint bytes }       where the version is flexible (KIP-482)
//
// A response's header has no tags in ApiVersions, whatever the version, since the one who asks can't know yet.
//
// The bodies are decoded by kmsg, and only after Parse has walked the bytes along the message's shape (schema.txt): kmsg
// believes an array's count as long as a byte stands behind each element, which lets a frame of 100 MB ask for gigabytes,
// believes a tag section's count altogether, which lets five bytes ask for four thousand million turns of a loop, and
// does not see what is left over behind the body. The walk allocates nothing, and what it lets pass kmsg decodes at a
// cost in proportion to the frame (ElementsMax).
//
// # Who owns which bytes
//
// A Frame's bytes belong to a Pool and return to it by Release. What kmsg decodes to []byte (a produce's records, above
// all) points into the frame, and is valid only until then; strings are copies and stay. A Response owns its bytes and
// slices until it is released, which the server does when they are written. A Conn's response points into that
// connection's buffer until its next request.
package wire

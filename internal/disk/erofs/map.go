package erofs

import "encoding/binary"

const advisesLarge = 0x2 // clusters of several blocks

// clusterMap is the map of a compressed file, behind a head of so many bytes: struct z_erofs_map_header, and a
// struct z_erofs_lcluster_index for each block of the content.
func (n *inode) clusterMap(head int64, algorithm byte) []byte {
	le := binary.LittleEndian
	b := make([]byte, -head&7+mapHeader, n.mapSize(head))
	header := b[-head&7:]
	le.PutUint16(header[4:], advisesLarge)
	header[6] = algorithm
	for _, c := range n.clusters {
		for i := range c.pages {
			switch {
			case c.blocks == c.pages:
				b = le.AppendUint32(b, clusterPlain)
				b = le.AppendUint32(b, c.first+uint32(i))
			case i == 0:
				b = le.AppendUint32(b, clusterHead)
				b = le.AppendUint32(b, c.first)
			default:
				back := uint16(i)
				if i == 1 {
					back = countFlag | uint16(c.blocks)
				}
				b = le.AppendUint32(b, clusterRest)
				b = le.AppendUint16(b, back)
				b = le.AppendUint16(b, uint16(c.pages-i))
			}
		}
	}
	return b
}

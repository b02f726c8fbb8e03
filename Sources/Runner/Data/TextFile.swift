/// Text of a file, plain or compressed by gzip.
public enum TextFile {
  /// - Throws: `DataError` for a file that can't be read, is damaged, or is no UTF-8.
  public static func read(path: String) throws -> String {
    let bytes = try FileAccess.readDecompressed(path)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw DataError("is no text in UTF-8", file: path) }
    return text
  }
}

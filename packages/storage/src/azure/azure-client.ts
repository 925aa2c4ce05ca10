// What the driver uses of the vendor's client, by name, so that whoever bundles it need not carry the rest.
export {
  AnonymousCredential,
  BlobSASPermissions,
  BlobServiceClient,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'

variable "image_ids" {
  type    = set(string)
  default = ["img-ubuntu2204", "img-private"]
}

# Good for every list of images: a misspelt or delisted one ends the plan, and private images pass.
data "jdcloud_image_constraints" "servers" {
  ids        = var.image_ids
  on_missing = "verify"
}

#include <filesystem>
#include <fstream>
#include <string>
#include <tiffio.h>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/tiff_pixel_size.hpp>

#include "fresh.hpp"
#include "made_pyramid.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

const auto exactly = boost::test_tools::tolerance(1e-6);  // resolutions are floats

struct made_tiff {
  fresh_folder folder;
  std::filesystem::path path = folder / "a.tif";

  double size(const std::string& description, float x = 0, float y = 0) {
    TIFF* const tiff = TIFFOpen(path.c_str(), "w");
    const label_image levels = label_image::from_shape({3, 5});
    made::write_grey_tags(tiff, levels, COMPRESSION_NONE);
    if (!description.empty()) TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, description.c_str());
    if (x > 0) TIFFSetField(tiff, TIFFTAG_XRESOLUTION, x);
    if (y > 0) TIFFSetField(tiff, TIFFTAG_YRESOLUTION, y);
    made::write_tiles(tiff, levels, 16);
    TIFFClose(tiff);
    return tiff_pixel_size(path);
  }
};

std::string ome(const std::string& attributes) { return R"(<?xml version="1.0" encoding="UTF-8"?><OME><Image ID="Image:0"><Pixels ID="Pixels:0" )" + attributes + R"( SizeX="5" Type="uint8"><TiffData/></Pixels></Image></OME>)"; }

}  // namespace

BOOST_AUTO_TEST_SUITE(io_tiff_pixel_size)

BOOST_AUTO_TEST_CASE(reads_ome_xml) {
  made_tiff made;
  BOOST_TEST(made.size(ome(R"(PhysicalSizeX="0.13" PhysicalSizeY="0.13")")) == 0.13, exactly);
  BOOST_TEST(made.size(ome("PhysicalSizeY='130' PhysicalSizeXUnit='nm' PhysicalSizeX='130' PhysicalSizeYUnit='nm'")) == 0.13, exactly);
  BOOST_TEST(made.size(ome("PhysicalSizeX=\"0.13\" PhysicalSizeXUnit=\"\u00b5m\" PhysicalSizeY=\"0.1301\" PhysicalSizeYUnit=\"&#181;m\"")) == 0.13005, exactly);
}

BOOST_AUTO_TEST_CASE(reads_what_imagej_writes) {
  made_tiff made;
  BOOST_TEST(made.size("ImageJ=1.54f\nunit=micron\n", 8, 8) == 0.125, exactly);
  BOOST_TEST(made.size("ImageJ=1.54f\nimages=1\nunit=\\u00B5m\nmin=0.0\n", 8, 8) == 0.125, exactly);
  BOOST_TEST(made.size("ImageJ=1.54f\r\nunit=nm\r\n", 0.125f, 0.125f) == 0.008, exactly);
}

BOOST_AUTO_TEST_CASE(says_nothing_where_the_file_does_not) {
  made_tiff made;
  BOOST_TEST(made.size("") == 0.);
  BOOST_TEST(made.size("", 72, 72) == 0.);  // dots per inch of a screen
  BOOST_TEST(made.size("ImageJ=1.54f\nunit=pixel\n", 1, 1) == 0.);
  BOOST_TEST(made.size("ImageJ=1.54f\nunit=um\n") == 0.);
  BOOST_TEST(made.size("ImageJ=1.54f\nunit=um") == 0.);
  for (const std::string attributes :
       {R"(PhysicalSizeX="0.13")", R"(PhysicalSizeX="0.13" PhysicalSizeY="0.26")", R"(PhysicalSizeX="0" PhysicalSizeY="0")", R"(PhysicalSizeX="-1" PhysicalSizeY="-1")",
        R"(PhysicalSizeX="nan" PhysicalSizeY="nan")", R"(PhysicalSizeX="inf" PhysicalSizeY="inf")", R"(PhysicalSizeX="1" PhysicalSizeY="1" PhysicalSizeXUnit="pixel" PhysicalSizeYUnit="pixel")",
        "PhysicalSizeX= PhysicalSizeY=", "PhysicalSizeX=\"1"})
    BOOST_TEST(made.size(ome(attributes)) == 0., attributes);
  BOOST_TEST(made.size("<OME><Image><Pixels PhysicalSizeX=") == 0.);
  BOOST_TEST(made.size(made::ome_of_one_plane) == 0.);
}

BOOST_AUTO_TEST_CASE(says_nothing_of_other_files) {
  const fresh_folder folder;
  BOOST_TEST(tiff_pixel_size(folder / "absent.tif") == 0.);
  std::ofstream(folder / "short.tif", std::ios::binary) << std::string("II*\0\xff\xff\xff\x7f", 8);
  BOOST_TEST(tiff_pixel_size(folder / "short.tif") == 0.);
  std::ofstream(folder / "text.tif") << "ImageJ=1.54f\nunit=um\n";
  BOOST_TEST(tiff_pixel_size(folder / "text.tif") == 0.);
}

BOOST_AUTO_TEST_SUITE_END()
